import test from 'ava';
import fc from 'fast-check';
import { seededRandom } from '../../src/core/index.ts';
import {
  type Claim,
  defaultConfig,
  type Effect,
  MembershipCore,
  type Rules,
  type Status,
  standardRules,
  supersedes,
} from '../../src/membership/index.ts';
import { boot, core, packetOf } from './helpers.ts';

/** Claims about three addresses, each with two nodes over time and few incarnations. */
const claim: fc.Arbitrary<Claim> = fc.record({
  address: fc.constantFrom('10.0.0.2:7000', '10.0.0.3:7000', '10.0.0.4:7000'),
  boot: fc.constantFrom(boot(20), boot(21)),
  incarnation: fc.integer({ min: 1, max: 4 }),
  status: fc.constantFrom<Status>('alive', 'suspect', 'dead', 'left'),
  by: fc.constant(7),
});

const coreOptions = {
  address: '10.0.0.1:7000',
  boot: boot(1),
  incarnation: 1000,
  random: seededRandom(1),
  now: 0,
};

function tableAfter(claims: readonly Claim[], rules: Rules): string {
  const node = new MembershipCore({ ...coreOptions, rules });
  node.start(0, []);
  for (const each of claims) node.receive(1, packetOf(9, [each]));
  return node
    .members()
    .map(({ id, incarnation, status }) => `${id} ${incarnation} ${status}`)
    .sort()
    .join('\n');
}

/** A counterexample to "the order and number of deliveries do not matter", or null. */
function orderMatters(rules: Rules): unknown {
  const shuffled = fc
    .array(claim, { minLength: 1, maxLength: 8 })
    .chain((claims) =>
      fc.tuple(
        fc.constant(claims),
        fc.shuffledSubarray([...claims, ...claims], { minLength: claims.length * 2 }),
      ),
    );
  const result = fc.check(
    fc.property(
      shuffled,
      ([claims, others]) => tableAfter(claims, rules) === tableAfter(others, rules),
    ),
    { numRuns: 300, seed: 1 },
  );
  return result.failed ? result.counterexample : null;
}

test('the table does not depend on the order or number of what is heard', (t) => {
  t.is(orderMatters(standardRules), null);
});

test('a table that takes whatever it hears last is noticed', (t) => {
  t.not(orderMatters({ ...standardRules, supersedes: () => true }), null);
  const ignoringBoot: Rules['supersedes'] = (claim, known) =>
    supersedes({ ...claim, boot: known.boot }, known);
  t.not(orderMatters({ ...standardRules, supersedes: ignoringBoot }), null);
});

test('of two claims about one node at most one is higher', (t) => {
  fc.assert(fc.property(claim, claim, (a, b) => !(supersedes(a, b) && supersedes(b, a))));
  fc.assert(
    fc.property(claim, claim, claim, (a, b, c) => {
      return !(supersedes(a, b) && supersedes(b, c)) || supersedes(a, c);
    }),
  );
  t.pass();
});

const other = (status: Status, more: Partial<Claim> = {}): Claim => ({
  address: '10.0.0.2:7000',
  boot: boot(2),
  incarnation: 1000,
  status,
  by: 7,
  ...more,
});

function kinds(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.kind === 'event' ? [effect.event.kind] : []));
}

test('an accused node objects in a higher incarnation, and tells the others', (t) => {
  const node = core(1);
  node.start(0, []);
  const accusation = { ...other('dead'), address: '10.0.0.1:7000', boot: boot(1) };
  const effects = node.receive(10, packetOf(2, [accusation], { kind: 'ping', seq: 1, target: 1 }));
  t.deepEqual(kinds(effects), ['joined', 'refuted']);
  t.is(node.self.incarnation, 1001);
  const sent = effects.flatMap((effect) => (effect.kind === 'send' ? [effect.packet] : []));
  t.like(sent[0].news[0], { address: '10.0.0.1:7000', incarnation: 1001, status: 'alive' });
  t.deepEqual(kinds(node.receive(20, packetOf(2, [accusation]))), [], 'the old accusation is void');
});

test('independent accusers shorten a suspicion, the same one again does not', (t) => {
  const endOf = (accusers: readonly number[]): number => {
    const node = core(1);
    node.start(0, []);
    for (const n of [2, 3, 4, 5, 6]) node.receive(0, packetOf(n, []));
    for (const by of accusers) node.receive(1, packetOf(3, [other('suspect', { by })]));
    let at = 1;
    while (node.statusOf('10.0.0.2:7000') === 'suspect' && at < 100_000) {
      at = node.dueAt;
      // Nobody else may be accused meanwhile: they all answer.
      for (const effect of node.tick(at))
        if (effect.kind === 'send' && effect.packet.body.kind === 'ping')
          node.receive(at, packetOf(3, [], { kind: 'ack', seq: effect.packet.body.seq }));
    }
    return at;
  };
  const one = endOf([7]);
  const same = endOf([7, 7, 7]);
  const two = endOf([7, 8]);
  const four = endOf([7, 8, 9, 10]);
  const many = endOf([7, 8, 9, 10, 11, 12]);
  t.is(same, one);
  t.true(two < one * 0.8);
  t.true(four < two * 0.6);
  t.is(many, four);
});

test('whoever is taken for dead and still talks is told so', (t) => {
  const node = core(1);
  node.start(0, []);
  node.receive(1, packetOf(3, [other('dead')]));
  const effects = node.receive(2, packetOf(2, [], { kind: 'ack', seq: 5 }));
  const [sent] = effects.flatMap((effect) => (effect.kind === 'send' ? [effect] : []));
  t.is(sent.to, '10.0.0.2:7000');
  t.like(sent.packet.news[0], { address: '10.0.0.2:7000', status: 'dead' });
});

test('a node does not answer a ping for its predecessor', (t) => {
  const node = core(1);
  node.start(0, []);
  const own = Number.parseInt(boot(1).slice(0, 12), 16);
  const answers = (target: number): string[] =>
    node
      .receive(1, packetOf(2, [], { kind: 'ping', seq: 9, target }))
      .flatMap((effect) => (effect.kind === 'send' ? [effect.packet.body.kind] : []));
  t.deepEqual(answers(own), ['ack']);
  t.deepEqual(answers(own + 1), ['news']);
});

test('a node that was stopped gives the others as long, and does not accuse', (t) => {
  const accuses = (stallMs: number): boolean => {
    const config = { ...defaultConfig, stallMs };
    const node = new MembershipCore({ ...coreOptions, config });
    node.start(0, []);
    node.receive(0, packetOf(2, []));
    const first = node.dueAt;
    node.tick(first);
    node.tick(first + config.probeTimeoutMs);
    // The answer waits in the socket, but the timers of what was due long ago come first.
    return kinds(node.tick(first + 5000)).includes('suspected');
  };
  t.false(accuses(defaultConfig.stallMs));
  t.true(accuses(Number.POSITIVE_INFINITY), 'without the guard it accuses');
});
