/**
 * The lines of `make-signs`: pure functions (line number, generator) -> text without line end.
 *
 * A sign has 22 columns. Frequencies follow what such inventories look like: a few kinds of sign and
 * of post make up most of it, notes are mostly empty, some texts hold commas and quotes, and some
 * streets are not spelled in ASCII.
 */

export const columns = [
  'X',
  'Y',
  'OBJECTID',
  'Sign_Type',
  'Size_',
  'Supplement',
  'Sign_Post',
  'Year_Insta',
  'Category',
  'Notes',
  'MUTCD',
  'Ownership',
  'FACILITYID',
  'Schools',
  'Location_Adjusted',
  'Replacement_Zone',
  'Sign_Text',
  'Set_ID',
  'FieldVerifiedDate',
  'GlobalID',
  'Street',
  'Cross_Street',
];

export const header = columns.join(',');

/** [weight, sign type, size, category, MUTCD code, text] */
const kinds = [
  [210, 'Stop', '30" x 30"', 'Regulatory', 'R1-1', 'STOP'],
  [160, 'Street Name', '8" x 36"', 'Guide', 'D3-1', ''],
  [120, 'No Parking', '12" x 18"', 'Parking', 'R7-1', 'NO PARKING, ANY TIME'],
  [90, 'Speed Limit', '24" x 30"', 'Regulatory', 'R2-1', 'SPEED LIMIT 25'],
  [70, 'Yield', '36" x 36" x 36"', 'Regulatory', 'R1-2', 'YIELD'],
  [60, 'Pedestrian Crossing', '30" x 30"', 'Warning', 'W11-2', ''],
  [50, 'School Crossing', '36" x 36"', 'School', 'S1-1', 'SCHOOL'],
  [50, 'Two Hour Parking', '12" x 18"', 'Parking', 'R7-108', '2 HR PARKING 8AM-5PM, MON-FRI'],
  [45, 'One Way', '36" x 12"', 'Regulatory', 'R6-1', 'ONE WAY'],
  [40, 'Keep Right', '24" x 30"', 'Regulatory', 'R4-7', ''],
  [35, 'Object Marker', '12" x 36"', 'Warning', 'OM3-R', ''],
  [30, 'Bike Route', '24" x 18"', 'Guide', 'D11-1', 'BIKE ROUTE'],
  [25, 'Do Not Enter', '30" x 30"', 'Regulatory', 'R5-1', 'DO NOT ENTER'],
  [20, 'Dead End', '30" x 30"', 'Warning', 'W14-1', 'DEAD END'],
  [15, 'Snow Route', '18" x 24"', 'Parking', 'R7-203', 'SNOW ROUTE, NO PARKING WHEN SNOW OVER 2"'],
  [10, 'Neighborhood Watch', '18" x 24"', 'Other', '', 'WARNING "NEIGHBORHOOD WATCH" AREA'],
];

/** [weight, material of the post] */
const posts = [
  [420, 'Punched Telspar'],
  [190, 'Unpunched Telspar'],
  [120, 'Streetlight'],
  [80, 'Wood Pole'],
  [60, 'Traffic Signal Mast Arm'],
  [50, 'U-Channel'],
  [40, 'Mast Arm, Galvanized'],
  [30, ''],
  [10, 'Bridge'],
];

const supplements = [
  [800, ''],
  [60, 'ALL WAY'],
  [50, 'Arrow, Left'],
  [50, 'Arrow, Right'],
  [30, '2" border'],
  [10, 'When Children Are Present'],
];

const notes = [
  [780, ''],
  [60, 'Faded'],
  [50, 'Bent post, replace'],
  [40, 'Graffiti'],
  [30, 'Sign reads "STOP", letters worn'],
  [20, 'Obscured by tree, trim'],
  [10, 'See work order #4471, "urgent"'],
  [10, 'Nachgeprüft – in Ordnung'],
];

const owners = [
  [860, 'City'],
  [70, 'University'],
  [40, 'County'],
  [20, 'State, IDOT'],
  [10, ''],
];

const schools = [
  [930, ''],
  [30, 'Kenwood'],
  [20, 'Dr. Howard'],
  [10, 'Garden Hills'],
  [10, 'St. Thomas More, "Sabers"'],
];

const streets = [
  'Green Street',
  'Neil Street',
  'Prospect Avenue',
  'Kirby Avenue',
  'First Street',
  'Springfield Avenue',
  'Windsor Road',
  'Mattis Avenue',
  'Church Street',
  'Hill Street',
  'Bradley Avenue',
  'Lincoln Avenue',
  'Race Street',
  'Vine Street',
  'Philo Road',
  'Florida Avenue',
  'Peñarroya Drive',
  'Königsberg Court',
  'Rue Saint-Étienne',
  'Łódź Lane',
  'Åsgård Way',
  '北京路',
  'São Paulo Boulevard',
  'Martin Luther King, Jr. Drive',
];

const directions = ['N', 'S', 'E', 'W', ''];

/** The `line`-th sign (from 0) as a CSV line. Draws the same number of values for every line. */
export function signLine(line, next) {
  const [, type, size, category, code, text] = weighted(kinds, next);
  const street = streetName(next);
  const cross = streetName(next);
  const values = [
    `-88.${padded(180000 + next(120000), 6)}`,
    `40.${padded(60000 + next(100000), 6)}`,
    String(line + 1),
    type,
    size,
    weighted(supplements, next)[1],
    weighted(posts, next)[1],
    orEmpty(next(100) < 12, String(1985 + next(40))),
    category,
    weighted(notes, next)[1],
    code,
    weighted(owners, next)[1],
    `SGN${padded(next(1000000), 6)}`,
    weighted(schools, next)[1],
    next(10) === 0 ? 'Yes' : 'No',
    orEmpty(next(100) < 30, `Zone ${1 + next(9)}`),
    text === '' && type === 'Street Name' ? street.toUpperCase() : text,
    String(1 + next(60000)),
    orEmpty(next(100) < 40, date(next)),
    globalId(next),
    street,
    cross,
  ];
  return values.map(quoted).join(',');
}

const verbs = ['placed', 'moved', 'cleaned', 'painted', 'removed', 'checked'];
const words = ['amber', 'basalt', 'cedar', 'delta', 'ember', 'fjord', 'granite', 'harbor'];

/** The `line`-th plain line, about 100 bytes, without quotes or commas. */
export function plainLine(line, next) {
  const tail = [next(8), next(8), next(8), next(8), next(8)].map((at) => words[at]).join(' ');
  return `${padded(line, 10)} user-${padded(next(10000), 5)} ${verbs[next(6)]} sign ${padded(next(1000000), 7)} at ${streets[next(16)]} in ${tail}`;
}

function weighted(table, next) {
  let rest = next(totalOf(table));
  for (const row of table) {
    rest -= row[0];
    if (rest < 0) return row;
  }
  throw new Error('the weights of a table do not add up to their total');
}

const totals = new Map();

function totalOf(table) {
  const known = totals.get(table);
  if (known !== undefined) return known;
  const total = table.reduce((sum, row) => sum + row[0], 0);
  totals.set(table, total);
  return total;
}

function streetName(next) {
  const direction = directions[next(directions.length)];
  const name = streets[next(streets.length)];
  return direction === '' ? name : `${direction} ${name}`;
}

function date(next) {
  return `20${padded(10 + next(15), 2)}/${padded(1 + next(12), 2)}/${padded(1 + next(28), 2)} 00:00:00+00`;
}

function globalId(next) {
  const hex = () => next(0x10000).toString(16).toUpperCase().padStart(4, '0');
  return `{${hex()}${hex()}-${hex()}-${hex()}-${hex()}-${hex()}${hex()}${hex()}}`;
}

/** Evaluated after its value was drawn, so that every line draws equally often. */
function orEmpty(isEmpty, value) {
  return isEmpty ? '' : value;
}

function padded(value, width) {
  return String(value).padStart(width, '0');
}

function quoted(value) {
  return /[",]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
