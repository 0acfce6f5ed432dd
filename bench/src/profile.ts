/** `npm run profile -w bench`: where the time of a workload's step goes, as `hyperloom profile` shows it for recipes. */
import { parseArgs } from 'node:util';
import { showProfile } from '../../packages/lab/src/cli/profile.ts';
import { floorOf } from '../../packages/lab/src/profile/groups.ts';
import { profileSteps } from '../../packages/lab/src/profile/profile.ts';
import { batchSizes, seededInputs } from '../peers/inputs.ts';
import { figure, markdown, updateDocument } from './study/document.ts';
import { startTraining } from './training.ts';
import { type TrainingName, trainings } from './workloads/index.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    calls: { type: 'string', default: '20' },
    threads: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const names = (values.only?.split(',') ?? Object.keys(trainings)) as TrainingName[];
const odd = names.find((name) => !(name in trainings));
if (odd !== undefined) {
  console.error(`profile: --only: expected names of ${Object.keys(trainings).join(', ')}, got '${odd}'`);
  process.exit(2);
}
const rows: string[][] = [];
for (const name of names) {
  const profile = await profileSteps(
    async (engine, enough) => {
      const training = await startTraining(engine, trainings[name], batchSizes[name], seededInputs(name));
      while (!enough.aborted) await training.step();
      await training.dispose();
    },
    { calls: Number(values.calls), threads: values.threads === undefined ? undefined : Number(values.threads) },
  );
  console.log(`\n${name}, batch ${batchSizes[name]}`);
  showProfile(profile);
  const { stepMs, spent, kernels, rates } = profile;
  const floor = kernels.reduce((sum, kernel) => sum + floorOf(kernel, rates), 0);
  rows.push([
    `${name} ${batchSizes[name]}`,
    ...[stepMs, spent.kernels + spent.calls, spent.script, floor].map(figure),
    ((spent.kernels + spent.calls) / floor).toFixed(1),
  ]);
}
const header = ['ms of a step', 'all', 'in the engine', 'JavaScript', 'floor', 'engine over floor'];
if (values.write) updateDocument('performance.md', { floors: markdown(header, rows) });
