import { batches, evalBatches, type Random, randomAt } from 'hyperloom/data';
import { codes, heads, hypernetwork, pareto } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import {
  add,
  exp,
  gather,
  grad,
  type NdArray,
  ndarray,
  neg,
  square,
  stack,
  stopGradient,
  sub,
  sum,
  type Tensor,
  vmap,
} from 'hyperloom/tensor';
import type { Run, Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import type {
  Experiment,
  Figures,
  Picture,
  Recipe,
  RunFlags,
  Session,
  Settings,
  Trial,
  TrialResult,
} from './recipe.ts';

/** Numbers in the vector that the network is. */
const dimensions = 100;
const centre = 1 / Math.sqrt(dimensions);
/** Rays that the front is measured with, and the point below which the volume is counted. */
const testRays = pareto.evenRays(25);
const reference = [1, 1];
/** Volume of the true front, the best that 25 rays could come close to (Navon et al. 2021). */
const trueVolume = 0.342;
const floor = 0.31;

const options = {
  control: {
    default: true,
    help: 'also linear and exact Pareto optimal training, and one vector trained for each ray',
  },
  batch: { default: 128, least: 1, whole: true, help: 'rays in a batch' },
  hidden: { default: 100, least: 1, whole: true, help: 'units in each of the two hidden layers of the head' },
  learningRate: { default: 0.001, least: 0, help: 'first learning rate of Adam, falling to 0 by cosine' },
};

/** What the target gives: its own weights, and the two losses at them. */
interface Point {
  readonly theta: Tensor;
  readonly losses: Tensor;
}

/** 1 - exp(-|| theta -+ 1/sqrt(d) ||^2): two bowls whose front is concave. */
const objective = (theta: Tensor, sign: 1 | -1): Tensor => sub(1, exp(neg(sum(square(add(theta, sign * centre))))));

const losses = (theta: Tensor): Tensor => stack([objective(theta, -1), objective(theta, 1)]);

/** A network that is its weights: a vector with two losses. */
const vector = nn.defineModule({
  name: 'vector',
  spec: { theta: nn.weight({ shape: [dimensions], init: nn.init.normal({ std: centre }) }) },
  apply: ({ theta }, _: Tensor): Point => ({ theta, losses: losses(theta) }),
});

/** One vector for each test ray, each trained on its own. */
const vectors = nn.defineModule({
  name: 'vectors',
  spec: {
    theta: nn.weight({
      shape: [testRays.length, dimensions],
      fanIn: dimensions,
      init: nn.init.normal({ std: centre }),
    }),
  },
  apply: ({ theta }, row: Tensor): Point => {
    const own = gather(theta, row);
    return { theta: own, losses: losses(own) };
  },
});

/** The three ways of making one loss of two. */
const scalarisations = {
  linear: (point: Point, ray: Tensor) => pareto.linear(point.losses, ray),
  chebyshev: (point: Point, ray: Tensor) => pareto.chebyshev(point.losses, ray),
  epo: (point: Point, ray: Tensor) => {
    const theta = stopGradient(point.theta);
    const gradients = stack([-1, 1].map((sign) => grad((t: Tensor) => objective(t, sign as 1 | -1))(theta)));
    return pareto.epo(point.losses, ray, gradients);
  },
};

/** A ray of Dirichlet(0.2, 0.2), by Jöhnk's rejection: most lie near an axis. */
function dirichletRay(random: Random): [number, number] {
  for (;;) {
    const a = random.uniform() ** (1 / 0.2);
    const b = random.uniform() ** (1 / 0.2);
    if (a + b > 0 && a + b <= 1) return [a / (a + b), b / (a + b)];
  }
}

/** Enough rays that a run sees few of them twice. */
function rayTable(seed: number, count: number): NdArray {
  const random = randomAt(seed, 0x70617265);
  return ndarray(Float32Array.from(Array.from({ length: count }, () => dirichletRay(random)).flat()), [count, 2]);
}

async function prepare(settings: Settings, { seed, steps: asked }: RunFlags): Promise<Experiment> {
  const steps = asked ?? 3000;
  const size = Number(settings.batch);
  const hidden = [Number(settings.hidden), Number(settings.hidden)];
  const model = hypernetwork(vector, {
    code: codes.input({ size: 2, secondMoment: 0.4 }),
    head: heads.dense({ hidden }),
  });
  const rays = rayTable(seed, 64 * 1024);
  const preferences = { input: { code: rays, input: rays }, target: rays };
  const optimizer = optim.adam(optim.cosine({ initial: Number(settings.learningRate), end: 0, steps }));
  const tests = ndarray(testRays);

  const hyper = (name: string, title: string, how: keyof typeof scalarisations): Trial => ({
    name,
    title,
    model,
    codeSize: 2,
    codes: [
      { name: 'first', code: ndarray([0.9, 0.1]) },
      { name: 'middle', code: ndarray([0.5, 0.5]) },
      { name: 'second', code: ndarray([0.1, 0.9]) },
    ],
    exampleInput: ndarray([0.5, 0.5]),
    examples: evalBatches(preferences, 64),
    loss: scalarisations[how],
    train: (session: Session) =>
      session.train(model, {
        data: batches(preferences, { size, seed }),
        loss: scalarisations[how],
        optimizer,
        steps,
      }),
    measure: async (run) => volume(await front(run)),
  });
  const rows = ndarray(Int32Array.from(testRays.keys()), [testRays.length]);
  const direct: Trial = {
    name: 'direct',
    title: 'one vector for each ray (Chebyshev)',
    model: vectors,
    train: (session) =>
      session.train(vectors, {
        data: batches({ input: rows, target: tests }, { size: testRays.length, seed }),
        loss: scalarisations.chebyshev,
        optimizer: optim.adam(optim.cosine({ initial: 0.01, end: 0, steps })),
        steps,
      }),
    measure: async (run) => volume(await front(run)),
  };

  /** The two losses for each test ray. */
  async function front(run: Run<Trainable>): Promise<number[][]> {
    const apply = (params: never, input: unknown) =>
      vmap((one: unknown) => (run.model.apply(params, one as never, { training: false }) as Point).losses)(input);
    const { data } = (await run.call(
      apply,
      run.model.name === 'vectors' ? rows : { code: tests, input: tests },
    )) as NdArray;
    return testRays.map((_, i) => [data[2 * i]!, data[2 * i + 1]!]);
  }

  const main = hyper('main', 'hypernetwork, Chebyshev', 'chebyshev');
  return {
    trials:
      settings.control === false
        ? [main]
        : [main, hyper('linear', 'hypernetwork, linear', 'linear'), hyper('epo', 'hypernetwork, EPO', 'epo'), direct],
    counts: { 'params.total': nn.countParams(model.spec), 'params.direct': nn.countParams(vectors.spec) },
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'hypervolume', title: 'hypervolume', format: 'number' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    published: [{ title: 'true front', cells: ['', String(trueVolume), ''] }],
    pictures: (results) => pictures(results, front),
    judge: (metrics) => {
      const reached = metrics['test.hypervolume'] ?? 0;
      return reached >= floor || !asShipped(options, settings)
        ? undefined
        : `pareto-toy: expected a hypervolume of at least ${floor} of ${trueVolume}, got ${reached.toFixed(4)}`;
    },
  };
}

const volume = (points: readonly (readonly number[])[]): Figures => ({
  hypervolume: pareto.hypervolume(points, reference),
});

/** The true front, and the points of each trial. */
async function pictures(
  results: readonly TrialResult[],
  front: (run: Run<Trainable>) => Promise<number[][]>,
): Promise<Picture[]> {
  const [{ plot }, { colourOf }] = await Promise.all([import('../report/charts.ts'), import('../report/palette.ts')]);
  // Along the line between the two centres, at the share s of the way, the distances are 2 s and 2 (1 - s).
  const loss = (s: number) => 1 - Math.exp(-4 * s * s);
  const line = Array.from({ length: 101 }, (_, i): [number, number] => [loss(i / 100), loss(1 - i / 100)]);
  const series = [{ name: 'true front', points: line, colour: '#808792', dashed: true }];
  const points = await Promise.all(
    results.map(async ({ trial, run }, i) => ({
      name: trial.title,
      points: (await front(run)).map(([x, y]): [number, number] => [x!, y!]),
      colour: colourOf(i),
      mark: 'points' as const,
      size: 9 - 1.5 * i,
    })),
  );
  return [
    {
      name: 'front.svg',
      caption: `Both losses for ${testRays.length} rays, evenly spread by angle. Linear scalarisation falls to the ends of a concave front.`,
      content: plot('Pareto front', [...series, ...points], {
        x: 'loss 1',
        y: 'loss 2',
        limits: { x: [0, 1], y: [0, 1] },
      }),
    },
  ];
}

/** Navon et al. 2021: a whole Pareto front in one hypernetwork, whose code is the preference. */
export const paretoToy: Recipe = {
  name: 'pareto-toy',
  summary: 'a front of two losses in one hypernetwork: the code is the preference between them',
  reference:
    'Navon et al. 2021 (arXiv 2010.04104), the toy of section 5.1: true hypervolume 0.342; concatenation does not apply, as the network is its weights',
  options,
  seeds: 3,
  prepare,
};
