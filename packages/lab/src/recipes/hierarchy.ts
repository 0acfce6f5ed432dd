import { evalBatches } from 'hyperloom/data';
import { compileFunction, type Engine } from 'hyperloom/engine';
import { codes, type HeadInit, heads, hyperfanIn, hypernetwork, kaimingInit } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { concat, mean, type NdArray, ndarray, random, square, type Tensor, vmap } from 'hyperloom/tensor';
import { asShipped } from './asShipped.ts';
import { concatenation, matched } from './concatenation.ts';
import type { Experiment, Picture, Recipe, RunFlags, Settings, Trial, TrialResult } from './recipe.ts';
import {
  drawnFamily,
  type FamilyExample,
  familyBatches,
  familySize,
  familyTests,
  halfRange,
  memberSize,
  namedFamilies,
} from './tasks/families.ts';

const inits = { hyperfan: hyperfanIn, kaiming: kaimingInit } as const;
type InitName = keyof typeof inits;

const options = {
  control: { default: true, help: 'also train the controls, and both depths with ordinary Kaiming heads' },
  init: {
    default: 'hyperfan',
    choices: Object.keys(inits),
    help: 'how the heads of the hierarchy start: hyperfan, or kaiming for what suits layers whose outputs are no weights',
  },
  families: { default: 32, least: 1, whole: true, help: 'fresh families in a batch' },
  members: { default: 4, least: 1, whole: true, help: 'members of each' },
  clip: { default: 1, least: 0, help: 'largest norm of a gradient (0: no limit)' },
  learningRate: { default: 0.002, least: 0, help: 'first learning rate of Adam, which falls to 0 by cosine' },
};

const steps = 6_000;

/** What a model of families reads: a family's code, and codes and points of some members. */
interface Input {
  readonly code: Tensor;
  readonly input: { readonly code: Tensor; readonly input: Tensor };
}

/** A model whose trees of weights are not told apart. */
interface Model {
  readonly name: string;
  readonly spec: unknown;
  init(key: Tensor): unknown;
  apply(params: never, input: Input): Tensor;
}

const net = () => nn.mlp({ in: 1, hidden: [16, 16], out: 1, activation: nn.silu });

/** The upper level generates the lower one's weights, once for each family, and that one the network of each member. */
function hierarchical(init: HeadInit) {
  const lower = hypernetwork(net(), { code: memberSize, head: heads.dense({ hidden: [16], init }) });
  return hypernetwork(nn.each(lower), { code: familySize, head: heads.dense({ hidden: [32, 8], init }) });
}

/** A model of one level, which is told both codes as one. */
const joined = <S>(model: nn.Module<S, { readonly code: Tensor; readonly input: Tensor }, Tensor>): Model => ({
  name: `joined(${model.name})`,
  spec: model.spec,
  init: model.init,
  apply: (params, { code, input }) =>
    vmap((member: Tensor, x: Tensor) => model.apply(params, { code: concat([code, member]), input: x }))(
      input.code,
      input.input,
    ),
});

const both = familySize + memberSize;
const flat = (init: HeadInit) => (width: number) =>
  joined(hypernetwork(net(), { code: both, head: heads.dense({ hidden: [width, width], init }) }));
const direct = (width: number) =>
  joined(concatenation({ code: codes.input({ size: both }), in: 1, hidden: [width, width], out: 1 }));

async function prepare(settings: Settings, { seed, steps: asked = steps }: RunFlags): Promise<Experiment> {
  const init = settings.init as InitName;
  const sizes = { families: Number(settings.families), members: Number(settings.members), points: 10 };
  const model = hierarchical(inits[init]());
  const parameters = nn.countParams(model.spec);
  const adam = optim.adam(optim.cosine({ initial: Number(settings.learningRate), end: 0, steps: asked }));
  const clip = Number(settings.clip);
  // Now and then a step of a network that generates a network would be far too long.
  const optimizer = clip > 0 ? optim.chain(optim.clipByGlobalNorm(clip), adam) : adam;
  const test = familyTests({ families: 100, members: 10, points: 50 });
  const trial = (name: string, title: string, own: Model): Trial => ({
    name,
    title,
    model: own,
    train: (session) =>
      session.train(own, {
        data: familyBatches(sizes, seed),
        loss: nn.losses.mse,
        optimizer,
        steps: asked,
      }),
    measure: async (run, { engine }) => ({
      mse: (await run.evaluate(evalBatches(test, 20), { mse: nn.losses.mse })).mse!,
      scale: await scaleAtInit(own, test, engine),
    }),
  });
  const widthFor = (make: (width: number) => Model) => matched(parameters, make);
  const main: Trial = {
    ...trial('main', `two levels, ${init}`, model as unknown as Model),
    codeSize: familySize,
    codes: Object.entries(namedFamilies).map(([name, code]) => ({ name, code: ndarray(code) })),
    exampleInput: drawnFamily(
      0,
      Float32Array.from({ length: 11 }, (_, i) => i / 5 - 1),
    ).input.input,
    examples: evalBatches(test, 100),
    loss: nn.losses.mse,
  };
  const controls = [
    trial('kaiming', 'two levels, kaiming', hierarchical(kaimingInit()) as unknown as Model),
    trial('flat', 'one level, hyperfan', widthFor(flat(hyperfanIn()))),
    trial('flatKaiming', 'one level, kaiming', widthFor(flat(kaimingInit()))),
    trial('concatenation', 'one network, told the codes', widthFor(direct)),
  ];
  return {
    trials: settings.control === false ? [main] : [main, ...controls],
    columns: [
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'mse', title: 'test MSE', format: 'number' },
      { metric: 'scale', title: 'output at init, times ordinary', format: 'number' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    counts: {
      'params.total': parameters,
      'params.lower': nn.countParams(model.target.spec),
      'params.member': nn.countParams(net().spec),
    },
    pictures,
    judge: (metrics) => (asShipped(options, settings) ? judged(metrics, settings.control !== false) : undefined),
  };
}

/**
 * Root mean square of a model's output at init, over that of the ordinary network that it generates: each is a median
 * over members and nine keys, since a long code is long in every level and few members would make up a mean. The
 * figure is near 1 where every level starts right.
 */
async function scaleAtInit(model: Model, { input }: FamilyExample<NdArray>, engine: Engine): Promise<number> {
  const ordinary = net();
  const measure = (key: Tensor, inputs: Input) => {
    const [own, plain] = [model.init(key) as never, ordinary.init(key)];
    const perMember = (y: Tensor) => mean(square(y), { axis: [2, 3] });
    return [
      perMember(vmap((one: Input) => model.apply(own, one))(inputs)),
      perMember(ordinary.apply(plain, inputs.input.input)),
    ];
  };
  const compiled = await compileFunction(engine, measure, random.keyArray(0), input);
  const [generated, plain]: [number[], number[]] = [[], []];
  for (let key = 0; key < 9; key++) {
    const [a, b] = (await compiled(random.keyArray(key), input)) as [NdArray, NdArray];
    generated.push(...a.data);
    plain.push(...b.data);
  }
  await compiled.dispose();
  return Math.sqrt(median(generated) / median(plain));
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** What is missing of what the recipe promises. */
function judged(metrics: Readonly<Record<string, number>>, controls: boolean): string | undefined {
  const hold = (name: string, least: number, most: number): string | undefined =>
    metrics[name]! >= least && metrics[name]! <= most
      ? undefined
      : `hierarchy: expected ${name} from ${least.toPrecision(3)} to ${most.toPrecision(3)}, got ${metrics[name]?.toPrecision(3)}`;
  return (
    hold('test.mse', 0, 0.005) ??
    hold('test.scale', 0.05, 5) ??
    (controls
      ? (hold('kaiming.test.mse', 10 * metrics['test.mse']!, Number.POSITIVE_INFINITY) ??
        hold('kaiming.test.scale', 1_000 * metrics['test.scale']!, Number.POSITIVE_INFINITY))
      : undefined)
  );
}

/** Members of unseen families, from their codes alone. */
async function pictures(results: readonly TrialResult[]): Promise<Picture[]> {
  const [{ plot }, { colourOf, palette }] = await Promise.all([
    import('../report/charts.ts'),
    import('../report/palette.ts'),
  ]);
  const xs = Float32Array.from({ length: 121 }, (_, i) => i / 60 - 1);
  const line = (y: (x: number, i: number) => number) =>
    Array.from(xs, (x, i): [number, number] => [halfRange * x, y(halfRange * x, i)]);
  const made: Picture[] = [];
  for (const number of [0, 1, 2]) {
    const { input, value } = drawnFamily(number, xs);
    const curves = [];
    for (const [i, { trial, run }] of results.entries()) {
      if (!['main', 'kaiming', 'concatenation'].includes(trial.name)) continue;
      const { data } = (await run.apply(input)) as NdArray;
      curves.push({ name: trial.title, points: line((_, x) => data[x]!), colour: colourOf(i) });
    }
    made.push({
      name: `family${number}.svg`,
      caption: 'A member of an unseen family, from the two codes alone.',
      content: plot(
        `unseen family ${number + 1}`,
        [{ name: 'true curve', points: line(value), colour: palette.ink, dashed: true }, ...curves],
        { x: 'x' },
      ),
    });
  }
  return made;
}

/** A hypernetwork as the target of a hypernetwork, beside flat ones; and what becomes of it with the wrong init. */
export const hierarchy: Recipe = {
  name: 'hierarchy',
  summary: 'a hypernetwork that generates hypernetworks: families of waves, with members that differ within each',
  reference: 'no published figures; initialisation is that of Chang et al. 2020 (hyperfan-in), applied at each level',
  options,
  seeds: 3,
  prepare,
};
