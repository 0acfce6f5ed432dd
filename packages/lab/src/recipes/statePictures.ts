import { projectCodes } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import type { Agent } from 'hyperloom/rl';
import { physicsNumbers } from 'hyperloom/rl';
import { concat, constant, type NdArray, ndarray, reshape, slice, type Tensor, vmap } from 'hyperloom/tensor';
import { heatMap } from '../report/charts.ts';
import { episodePicture } from './playing.ts';
import type { Picture, TrialResult } from './recipe.ts';

/** Angles from upright and spins of the grid over which policies are drawn, at rest in the middle of the track. */
const cells = 25;
const [widest, fastest] = [Math.PI, 8];
const grid = (most: number) => Array.from({ length: cells }, (_, i) => (2 * i * most) / (cells - 1) - most);

/** States as the swing-up shows them: position, velocity, cosine and sine of the angle, spin. */
function states(): NdArray {
  const rows = grid(fastest).flatMap((spin) =>
    grid(widest).map((angle) => [0, 0, Math.cos(angle), Math.sin(angle), spin]),
  );
  return ndarray(Float32Array.from(rows.flat()), [cells * cells, 5]);
}

/** What the policies of the swing-up do, how the generated weights change with the state, and an episode of each world. */
export async function statePictures(results: readonly TrialResult[]): Promise<Picture[]> {
  const made: Picture[] = [];
  for (const result of results.filter(({ trial }) => trial.name === 'main' || trial.name === 'mlp'))
    made.push(await pushes(result));
  const main = results.find(({ trial }) => trial.name === 'main');
  if (main) made.push(await weights(main));
  for (const { trial, run } of results.filter(({ trial: { name } }) => name === 'main' || name === 'acrobot')) {
    const { environment, play } = trial.world!;
    const physics = physicsNumbers(environment);
    const episode = await play(run, physics, 0);
    const total = episode.rewards.reduce((a, b) => a + b, 0).toFixed(1);
    const caption = `${trial.title}: an episode with a return of ${total}.`;
    const every = environment.name === 'acrobot' ? 1 : 3;
    made.push(
      await episodePicture(trial.world!, physics, [episode], {
        name: `episode-${trial.name}`,
        caption,
        fps: 50,
        every,
      }),
    );
  }
  return made;
}

const axes = {
  x: 'angle from upright, radians',
  y: 'spin, radians a second',
  columns: grid(widest).map((angle, i) => (i % 4 === 0 ? angle.toFixed(1) : '')),
  rows: grid(fastest).map((spin, i) => (i % 4 === 0 ? spin.toFixed(0) : '')),
};

const matrix = (values: ArrayLike<number>): number[][] =>
  Array.from({ length: cells }, (_, i) => Array.from(values).slice(i * cells, (i + 1) * cells));

/** The push of a policy over angle and spin. */
async function pushes({ trial, run }: TrialResult): Promise<Picture> {
  const agent = trial.model as Agent;
  const one = (params: never) => (observation: Tensor) => {
    const last = { action: constant([0]), reward: constant(0), first: constant(1) };
    return first(agent.apply(params, { seen: { observation, last }, memory: {} }).policy);
  };
  const { data } = (await run.call((params: never, all: Tensor) => vmap(one(params))(all), states())) as NdArray;
  const shares = Array.from(data, (value) => Math.max(-1, Math.min(1, value)));
  return {
    name: `pushes-${trial.name}.svg`,
    caption: `${trial.title}: the push on the cart, from -1 to the left to 1 to the right, in the middle of the track.`,
    content: heatMap(trial.title, matrix(shares), axes),
  };
}

const first = (t: Tensor): Tensor => reshape(slice(t, [[0, 1]]), []);

/** The direction in which generated weights differ most, over angle and spin. */
async function weights({ trial, run }: TrialResult): Promise<Picture> {
  const agent = trial.model as Agent;
  const norm = nn.runningNorm({ size: agent.environment.spec.observation.length });
  const { module } = agent.policy as unknown as { readonly module: { generate(params: never, code: Tensor): object } };
  const one = (params: { readonly norm: never; readonly policy: never }) => (observation: Tensor) => {
    const generated = module.generate(params.policy, norm.apply(params.norm, observation));
    return concat(Object.values(generated).map((weight: Tensor) => reshape(weight, [-1])));
  };
  const table = (await run.call((params: never, all: Tensor) => vmap(one(params))(all), states())) as NdArray;
  const { points, explained } = projectCodes(table);
  const share = `${(100 * explained[0]).toFixed(0)} %`;
  return {
    name: 'weights.svg',
    caption: `All ${table.shape[1]} generated weights along the direction in which they differ most, which holds ${share} of their variance.`,
    content: heatMap('generated weights, first principal component', matrix(points.map(([x]) => x)), axes),
  };
}
