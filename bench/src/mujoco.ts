/** `npm run mujoco -w bench`: steps a second of each world of MuJoCo, by the number of threads. */
import { parseArgs } from 'node:util';
import { randomAt } from 'hyperloom/data';
import { mujocoEnvironment } from '../../packages/lab/src/mujoco/environment.ts';
import { type WorldName, worlds } from '../../packages/lab/src/mujoco/worlds/index.ts';
import { machine, showMachine } from './machine.ts';
import { summarize } from './statistics.ts';

const { values } = parseArgs({
  options: {
    copies: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '9' },
    threads: { type: 'string', default: '1,2' },
  },
});
const [copies, rounds] = [Number(values.copies), Number(values.rounds)];
const threads = values.threads.split(',').map(Number);
/** Steps of all copies in a round. */
const steps = 250;

/** Steps a second of each number of threads, round by round: they take turns, under the same random actions. */
async function rates(name: WorldName): Promise<number[][]> {
  const sides = await Promise.all(threads.map((workers) => mujocoEnvironment(name, { copies, workers })));
  const size = worlds[name].spec.action.size * copies;
  const found: number[][] = sides.map(() => []);
  // The first round is warm-up.
  for (let round = 0; round <= rounds; round++) {
    const random = randomAt(round);
    const actions = Array.from({ length: steps }, () =>
      Float32Array.from({ length: size }, () => 2 * random.uniform() - 1),
    );
    for (const [i, side] of sides.entries()) {
      await side.reset({ seed: 0, iteration: round });
      const start = performance.now();
      for (const action of actions) await side.step(action);
      if (round > 0) found[i]!.push((1000 * steps * copies) / (performance.now() - start));
    }
  }
  await Promise.all(sides.map((side) => side.close()));
  return found;
}

console.log(showMachine(machine()));
console.log(`${copies} copies, random actions; steps a second: median of ${rounds} rounds, and quartiles`);
for (const name of Object.keys(worlds) as WorldName[])
  for (const [i, all] of (await rates(name)).entries()) {
    const { median, low, high } = summarize(all);
    const [middle, ...quartiles] = [median, low, high].map((rate) => Math.round(rate).toLocaleString('en'));
    const substeps = worlds[name].frameSkip;
    console.log(
      `${name}, ${threads[i]} thread${threads[i] === 1 ? '' : 's'}: ${middle} (${quartiles.join(' to ')}), each of ${substeps} steps of MuJoCo`,
    );
  }
