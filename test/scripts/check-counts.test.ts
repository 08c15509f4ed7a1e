/** The judge of the packaged file's output, itself tried with right and wrong outputs. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { projectRoot } from '../helpers/processes.ts';
import { tmpDir } from '../helpers/tmp-dir.ts';

const judge = join(projectRoot, 'scripts', 'demo', 'check_counts.py');
const source = [
  'Sign_Post,Category,Notes',
  'Punched Telspar,Guide,"a, b"',
  'Wood Pole,Guide,',
  'Punched Telspar,Warning,',
  'Unpunched Telspar,School,',
  'Punched Telspar,Guide,"say ""x"""',
].join('\n');

test('only an output with each effect once, in order, is accepted', (t) => {
  const dir = tmpDir(t);
  writeFileSync(join(dir, 'in.csv'), `${source}\n`);
  const says = (...lines: string[]): string => {
    writeFileSync(join(dir, 'out.txt'), lines.map((line) => `${line}\n`).join(''));
    const args = [judge, join(dir, 'in.csv'), join(dir, 'out.txt')];
    const ran = spawnSync('python3', args, { encoding: 'utf8' });
    return ran.status === 0 ? 'exact' : ran.stderr;
  };
  t.is(says('Guide: 1', 'Guide: 2', 'Warning: 1'), 'exact');
  t.is(says('Warning: 1', 'Guide: 1', 'Guide: 2'), 'exact');
  t.regex(says('Guide: 1', 'Warning: 1'), /'Guide' was counted to 1 instead of 2/);
  t.regex(says('Guide: 1', 'Guide: 1', 'Warning: 1'), /line 2 says 1 .* 2 comes next/);
  t.regex(says('Guide: 2', 'Guide: 1', 'Warning: 1'), /line 1 says 2/);
  t.regex(says('Guide: 1', 'Guide: 2', 'Guide: 3', 'Warning: 1'), /counted to 3 instead of 2/);
  t.regex(says('Guide: 1', 'Guide: 2', 'Warning: 1', 'School: 1'), /unknown key 'School'/);
  t.regex(says('Guide: 1', 'Guide: 2', 'Warning: '), /line 3 says {2}for 'Warning'/);
});
