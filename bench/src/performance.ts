/** `npm run performance -w bench -- --after FILE [--before FILE]`: the tables and the picture of docs/performance.md. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ratioBars, standalone } from '../../packages/lab/src/report/charts.ts';
import { colourOf } from '../../packages/lab/src/report/palette.ts';
import { movedTable, peersOf, type Report, resultsTable, sideOf, titleOf } from './performanceTables.ts';
import { updateDocument, writePicture } from './study/document.ts';

const { values } = parseArgs({
  options: { after: { type: 'string' }, before: { type: 'string' } },
});
if (values.after === undefined) {
  console.error('performance: expected --after FILE, which npm run bench -- --json FILE writes');
  process.exit(2);
}
const read = (path: string): Report =>
  JSON.parse(readFileSync(resolve(process.env.INIT_CWD ?? '.', path), 'utf8')) as Report;
const after = read(values.after);
const before = values.before === undefined ? undefined : read(values.before);

const settings = `Threads of each side: ${after.options.threads}; ${after.options.rounds} rounds.`;
updateDocument('performance.md', {
  results: `${settings}\n\n${resultsTable(after)}`,
  ...(before && { moved: movedTable(before, after) }),
});
writePicture(
  'performance.svg',
  'Time of a step over that of each peer',
  standalone(
    ratioBars(
      'time of a step over that of each peer: left of the line ours is quicker',
      after.workloads.map(titleOf),
      peersOf(after).map((name, i) => ({
        name,
        values: after.workloads.map((result) => sideOf(result, name)?.ratio?.median),
        colour: colourOf(i),
      })),
    ),
  ),
);
