/**
 * Scenes of the literature as text: commands, `----`, and what came of them. To accept what the
 * program does now:  RAFT_REWRITE=1 ava test/raft/transcripts.test.ts
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Transcript } from './helpers/transcript.ts';

const folder = join(import.meta.dirname, 'testdata');
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

/** The text that the commands of `text` lead to; comments stay. */
function replay(text: string, transcript: Transcript): string {
  const blocks = text.trimEnd().split(/\n\n+/);
  return `${blocks.map((block) => replayBlock(block, transcript)).join('\n\n')}\n`;
}

function replayBlock(block: string, transcript: Transcript): string {
  const lines = block.split('\n');
  const end = lines.indexOf('----');
  const given = end < 0 ? lines : lines.slice(0, end);
  const commands = given.filter((line) => !line.startsWith('#') && line !== '');
  if (commands.length === 0) return block;
  const said = commands.flatMap((command) => transcript.run(command));
  return [...given, '----', ...said].join('\n');
}

for (const name of names) {
  test(`transcript ${name.replace('.txt', '')}`, (t) => {
    const path = join(folder, name);
    const text = readFileSync(path, 'utf8');
    const replayed = replay(text, new Transcript());
    if (process.env.RAFT_REWRITE === '1') writeFileSync(path, replayed);
    else t.is(replayed, text);
    t.pass();
  });
}

const figure = readFileSync(join(folder, 'figure-8.txt'), 'utf8');

test('figure 8 is noticed when entries of an old term are decided by counting', (t) => {
  const broken = new Transcript({ counts: () => true });
  t.throws(() => replay(figure, broken), { message: /leader completeness|safety|decided/ });
  t.notThrows(() => replay(figure, new Transcript()));
});

test('a transcript notices a voter that behaves differently', (t) => {
  const text = readFileSync(join(folder, 'pre-vote.txt'), 'utf8');
  t.is(replay(text, new Transcript()), text);
  t.not(replay(text, new Transcript({ asksFirst: () => false })), text);
});
