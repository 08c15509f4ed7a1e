// Writes native-proto/job.schema.json, the JSON Schema of a job file for editors, from the schema
// that the program itself checks with. A test fails while the two differ.
//
//   node scripts/make-schema.mjs
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jobSpecJsonSchema } from '../src/plan/index.ts';

const target = fileURLToPath(new URL('../native-proto/job.schema.json', import.meta.url));
const biome = fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url));
writeFileSync(target, `${JSON.stringify(jobSpecJsonSchema(), null, 2)}\n`);
execFileSync(biome, ['format', '--write', target], { stdio: 'inherit' });
