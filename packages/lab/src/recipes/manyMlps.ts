import { type Batches, batches, evalBatches } from 'hyperloom/data';
import { codes, heads, hypernetwork } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { mean, type NdArray, ndarray, slice, square, sub, type Tensor, tree, vmap } from 'hyperloom/tensor';
import type { Example, Run, Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import { concatenation, matched } from './concatenation.ts';
import { changed, withLaterCodes } from './laterCodes.ts';
import type { Experiment, Figures, Picture, Recipe, RunFlags, Settings, Trial, TrialResult } from './recipe.ts';
import { sideBySide } from './sideBySide.ts';
import { givenPoints, halfRange, heldOutPoints, noise, type UserPoints, userAt, userValue } from './tasks/users.ts';

const options = {
  control: { default: true, help: 'also train a network for each user, one told the code, and one for all users' },
  users: { default: 1_000, least: 2, whole: true, help: 'users to train on' },
  newUsers: { default: 100, least: 1, whole: true, help: 'users that come later' },
  points: { default: 20, least: 1, whole: true, help: 'noisy points that each user gives' },
  code: { default: 8, least: 1, whole: true, help: 'numbers in the code of a user' },
};

const steps = { users: 4_000, separate: 300, newUsers: 200 };

/** Models of users by their position, for a number of users. */
type Family = (count: number) => Trainable;

async function prepare(settings: Settings, { seed, steps: asked }: RunFlags): Promise<Experiment> {
  const [users, later, points, size] = (['users', 'newUsers', 'points', 'code'] as const).map((key) =>
    Number(settings[key]),
  ) as [number, number, number, number];
  const target = nn.mlp({ in: 1, hidden: [32, 32], out: 1, activation: nn.silu });
  const table = (count: number) => codes.embeddings({ count, size, std: 0.1 });
  const hyper = (count: number) => hypernetwork(target, { code: table(count), head: heads.dense({ hidden: [32] }) });
  const parameters = nn.countParams(hyper(users).spec);
  const told = (count: number) => (width: number) =>
    concatenation({ code: table(count), in: 1, hidden: [width, width], out: 1 });
  const width = nn.countParams({ bias: matched(parameters, told(users)).spec.net.layer0!.bias });

  const all = Array.from({ length: users + later }, (_, i) => i);
  const old = all.slice(0, users);
  const fresh = all.slice(users);
  const known: Known = { users, later, seed, points, steps: asked };
  const counts = {
    'params.total': parameters,
    'params.separate': users * nn.countParams(target.spec),
    'params.each': nn.countParams(target.spec),
  };
  const seen = heldOutPoints(seed, old.slice(0, 64), points);
  const main: Trial = {
    ...coded('main', 'hypernetwork', hyper, known),
    codes: all.map((user) => ({ name: `user${user}`, code: index(user) })),
    exampleInput: ndarray(seen.input.input.data.slice(0, points), [points, 1]),
    examples: evalBatches(seen, 64),
    loss: nn.losses.mse,
  };
  const controls = [
    coded('concatenation', 'one network, told the code', (count) => told(count)(width), known),
    separate(target, all, known),
    shared(target, old, known),
  ];
  return {
    trials: settings.control === false ? [main] : [main, ...controls],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'mse', title: 'error', format: 'number' },
      { metric: 'newUser.mse', title: 'error, new users', format: 'number' },
      { metric: 'newUser.parameters', title: 'parameters for each', format: 'integer' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    published: [{ title: "variance of the noise on users' points", cells: ['', (noise ** 2).toFixed(4), '', '', ''] }],
    counts,
    pictures: (results) => pictures(results, fresh.slice(0, 3), known),
    judge: (metrics) => (asShipped(options, settings) ? judged(metrics, settings.control !== false) : undefined),
  };
}

/** What every trial knows of the experiment. */
interface Known {
  readonly users: number;
  readonly later: number;
  readonly seed: number;
  readonly points: number;
  /** `--steps`. */
  readonly steps: number | undefined;
}

const index = (user: number): NdArray => ({ dtype: 'int32', shape: [], data: Int32Array.of(user) });

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

const training = (data: Batches<Example>, steps: number, rate: number, weightDecay = 0) => ({
  data,
  steps,
  loss: nn.losses.mse,
  optimizer: optim.adamw(optim.cosine({ initial: rate, end: 0, steps }), { weightDecay }),
});

/** Mean squared distance from the true curves of some users. */
async function curveError(run: Run<Trainable>, seed: number, users: readonly number[]): Promise<number> {
  const examples = evalBatches(heldOutPoints(seed, users, 50), Math.min(users.length, 100));
  return (await run.evaluate(examples, { mse: nn.losses.mse })).mse!;
}

/**
 * A model with a learned code for each user. Users that come later get a code alone: all else stays as it is. Their
 * codes start from the old user's whose network fits their points best.
 */
function coded(name: string, title: string, family: Family, known: Known): Trial {
  const { users, later, seed, points, steps: asked } = known;
  const [before, after] = [family(users), family(users + later)];
  let old: unknown;
  return {
    name,
    title,
    model: after,
    parameters: nn.countParams(before.spec),
    train: async (session) => {
      const given = batches(givenPoints(seed, numbers(0, users), points), { size: Math.min(users, 100), seed });
      const run = await session.train(before, training(given, asked ?? steps.users, 0.01, 0.3), 'users');
      old = run.params;
      const theirs = givenPoints(seed, numbers(users, users + later), points);
      const nearest = await nearestUsers(run, users, theirs);
      const initial = await withLaterCodes(run, after, nearest, session);
      const own = training(batches(theirs, { size: later, seed }), asked ?? steps.newUsers, 0.01);
      return session.train(after, { ...own, initial, trained: 'code.**' }, 'newUsers');
    },
    measure: async (run): Promise<Figures> => {
      const mse = await curveError(run, seed, numbers(0, users));
      // A run that was stopped before the new users came knows none of them.
      if (nn.countParams(run.model.spec as never) < nn.countParams(after.spec)) return { mse };
      return {
        mse,
        'newUser.mse': await curveError(run, seed, numbers(users, users + later)),
        'newUser.parameters': nn.countParams(after.spec) / later - nn.countParams(before.spec) / later,
        'oldUsers.changed': changed(old, run.params),
      };
    },
  };
}

/** For each of further users, the old user whose network fits best. */
async function nearestUsers(run: Run<Trainable>, users: number, theirs: UserPoints): Promise<number[]> {
  const later = theirs.target.shape[0]!;
  const errors = (weights: never, candidates: never, input: never, wanted: never) =>
    vmap((code: Tensor) => {
      const one = (x: Tensor, y: Tensor) =>
        mean(square(sub(run.model.apply(weights, { code, input: x } as never) as Tensor, y)));
      return vmap(one)(input, wanted);
    })(candidates);
  const best = new Array<{ readonly user: number; readonly error: number }>(later).fill({
    user: 0,
    error: Number.POSITIVE_INFINITY,
  });
  for (let first = 0; first < users; first += 50) {
    const candidates = numbers(first, Math.min(first + 50, users));
    const rows = { dtype: 'int32', shape: [candidates.length], data: Int32Array.from(candidates) } as const;
    const { data } = (await run.call(errors, rows, theirs.input.input, theirs.target)) as NdArray;
    for (let i = 0; i < data.length; i++) {
      const error = data[i]!;
      if (error < best[i % later]!.error) best[i % later] = { user: candidates[Math.floor(i / later)]!, error };
    }
  }
  return best.map(({ user }) => user);
}

/** A network for each user, all trained side by side in one program: weights have a leading axis of users. */
function separate(
  target: nn.Module<nn.MlpSpec>,
  all: readonly number[],
  { users, seed, points, steps: asked }: Known,
): Trial {
  const count = all.length;
  const model = sideBySide(target, count);
  const one = (data: UserPoints) => tree.map(leading, { input: data.input.input, target: data.target });
  const part = (from: number, to: number) => (output: Tensor, wanted: Tensor) =>
    nn.losses.mse(slice(output, [[from, to]]), slice(wanted, [[from, to]]));
  return {
    name: 'separate',
    title: 'a network for each user',
    model,
    parameters: users * nn.countParams(target.spec),
    train: (session) => {
      const data = batches(one(givenPoints(seed, all, points)), { size: 1, seed });
      return session.train(model, training(data, asked ?? steps.separate, 0.01, 0.2));
    },
    measure: async (run) => {
      const examples = evalBatches(one(heldOutPoints(seed, all, 50)), 1);
      const { old, fresh } = await run.evaluate(examples, { old: part(0, users), fresh: part(users, count) });
      return { mse: old!, 'newUser.mse': fresh!, 'newUser.parameters': nn.countParams(target.spec) };
    },
  };
}

const leading = (array: NdArray): NdArray => ({ ...array, shape: [1, ...array.shape] });

/** One network for everybody. */
function shared(
  target: nn.Module<nn.MlpSpec>,
  old: readonly number[],
  { users, later, seed, points, steps: asked }: Known,
): Trial {
  const model = nn.defineModule({
    name: 'shared',
    spec: target.spec,
    apply: (params: never, { input }: { readonly input: Tensor }) => target.apply(params, input),
  });
  return {
    name: 'shared',
    title: 'one network for all',
    model,
    train: (session) => {
      const data = batches(givenPoints(seed, old, points), { size: Math.min(users, 100), seed });
      return session.train(model, training(data, asked ?? steps.users, 0.01));
    },
    measure: async (run) => ({
      mse: await curveError(run, seed, old),
      'newUser.mse': await curveError(run, seed, numbers(users, users + later)),
      'newUser.parameters': 0,
    }),
  };
}

/** What is missing of what the recipe promises. */
function judged(metrics: Figures, controls: boolean): string | undefined {
  const most = (name: string, bound: number | undefined): string | undefined =>
    metrics[name]! <= bound!
      ? undefined
      : `many-mlps: expected ${name} of at most ${bound?.toFixed(4)}, got ${metrics[name]?.toFixed(4)}`;
  return (
    most('test.mse', 0.065) ??
    most('test.newUser.mse', 0.08) ??
    most('test.oldUsers.changed', 0) ??
    (controls
      ? (most('test.mse', metrics['separate.test.mse']) ??
        most('test.newUser.mse', metrics['separate.test.newUser.mse']))
      : undefined)
  );
}

/** Curves of users that came later: from a code alone, and from a network of their own. */
async function pictures(
  results: readonly TrialResult[],
  shown: readonly number[],
  { seed, points, users, later }: Known,
): Promise<Picture[]> {
  const [{ plot }, { colourOf, palette }] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/palette.ts'),
  ]);
  const xs = Float32Array.from({ length: 121 }, (_, i) => i / 60 - 1);
  const grid: NdArray = { dtype: 'float32', shape: [xs.length, 1], data: xs };
  const line = (y: (x: number, i: number) => number) =>
    Array.from(xs, (x, i): [number, number] => [halfRange * x, y(halfRange * x, i)]);
  const made: Picture[] = [];
  for (const user of shown) {
    const own = userAt(seed, user);
    const { input, target } = givenPoints(seed, [user], points);
    const curves = [];
    for (const [i, { trial, run }] of results.entries()) {
      if (trial.name !== 'main' && trial.name !== 'separate') continue;
      const everybody = { ...grid, shape: [users + later, xs.length, 1], data: repeated(xs, users + later) };
      const asked = trial.name === 'main' ? { code: index(user), input: grid } : everybody;
      const { data } = (await run.apply(asked)) as NdArray;
      const first = trial.name === 'main' ? 0 : user * xs.length;
      curves.push({ name: trial.title, points: line((_, x) => data[first + x]!), colour: colourOf(i) });
    }
    made.push({
      name: `user${user}.svg`,
      caption: `A user who came later, fitted to ${points} noisy points: by a code alone, and by a network of its own.`,
      content: plot(
        `new user ${user - users + 1}`,
        [
          { name: 'true curve', points: line((x) => userValue(own, x)), colour: palette.ink, dashed: true },
          ...curves,
          {
            name: 'given points',
            points: Array.from(target.data, (y, i): [number, number] => [halfRange * input.input.data[i]!, y]),
            colour: palette.ink,
            mark: 'points',
            size: 7,
          },
        ],
        { x: 'x' },
      ),
    });
  }
  return made;
}

function repeated(row: Float32Array, times: number): Float32Array {
  const all = new Float32Array(times * row.length);
  for (let i = 0; i < times; i++) all.set(row, i * row.length);
  return all;
}

/** Many small problems of one family: a hypernetwork with a code for each user, and users that come later. */
export const manyMlps: Recipe = {
  name: 'many-mlps',
  summary: '1,000 users with a small regression problem each: one hypernetwork with a code for each; new users by code',
  reference: 'no published figures; the controls are measured beside it, on the same points',
  options,
  seeds: 3,
  prepare,
};
