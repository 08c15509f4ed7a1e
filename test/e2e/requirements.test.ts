import { join } from 'node:path';
import test from 'ava';
import { writeWheel } from '../helpers/wheel.ts';
import { Place } from './helpers/place.ts';

const script = `import sys
from loudly import loud
for line in sys.stdin:
    if line.startswith('key: '):
        print('forward\\n' + line.rstrip())
    else:
        print('value: ' + loud(line[7:].rstrip()))
`;

test('an operator has the Python packages of its job', async (t) => {
  const place = new Place(t);
  place.write('in.txt', 'one\ntwo\n');
  place.write('loud.py', script);
  place.write('wheels/.keep', '');
  const wheel = writeWheel(
    join(place.dir, 'wheels'),
    'loudly',
    'def loud(t):\n    return t + "!"\n',
  );
  place.write('requirements.txt', `./wheels/${wheel}\n`);
  const job = {
    sources: ['in.txt'],
    stages: [{ name: 'loud', type: 'transform', run: 'loud.py' }],
    sink: { file: 'out.txt', format: 'value' },
    requirements: 'requirements.txt',
    files: ['wheels'],
  };
  await place.done(t, place.job(job));
  t.deepEqual(place.lines(), ['one!', 'two!']);
});
