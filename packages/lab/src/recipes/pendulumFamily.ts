import * as nn from 'hyperloom/nn';
import {
  type ActorCriticOptions,
  actorCritic,
  concatenated,
  type Family,
  generated,
  type Part,
  type PartModule,
  pendulum,
  ppo,
  returns,
} from 'hyperloom/rl';
import type { Run, Trainable } from 'hyperloom/train';
import { asShipped } from './asShipped.ts';
import { matched } from './concatenation.ts';
import { filmTarget, modulated } from './film.ts';
import { agentParts, bodyCodes, bodyReturns, decaying, exampleOf, worldOf } from './playing.ts';
import type { Experiment, Figures, Recipe, RunFlags, Settings, Trial, TrialResult } from './recipe.ts';
import { heldOutBodies } from './tasks/bodies.ts';

const options = {
  control: { default: true, help: 'also train the controls, and an expert for each body of the test' },
  matched: { default: false, help: 'also train the told policy with as many parameters as the generated one has' },
  lives: { default: 32, least: 1, whole: true, help: 'episodes for each body' },
  hidden: { default: 64, least: 1, whole: true, help: 'hidden units of each of the two layers of the policies' },
  bodies: {
    default: 6,
    least: 1,
    whole: true,
    help: 'bodies of the test inside of the ranges of training, and outside',
  },
};

/** What is varied in training; the world's own ranges, which are wider, are where extrapolation is tried. */
export const trained = {
  gravity: [7, 13],
  mass: [0.7, 1.3],
  length: [0.7, 1.3],
  torque: [1.5, 2.5],
} as const satisfies Family;

/** Bodies by a name, for inspection. */
const named = { light: { mass: 0.7 }, heavy: { mass: 1.3 }, short: { length: 0.7 }, long: { length: 1.3 } };

const world = pendulum();
const training = { iterations: 100, copies: 64, epochs: 5, batches: 4, rate: 3e-3 };
const expertise = { iterations: 80, copies: 32, epochs: 10, batches: 4, rate: 1e-3 };

type Parts = Pick<ActorCriticOptions<typeof world>, 'policy' | 'value'>;

/** Returns of each body of the test, those inside first. */
type Returns = readonly number[];

async function prepare(settings: Settings, { steps: asked }: RunFlags): Promise<Experiment> {
  const [hidden, count, lives] = (['hidden', 'bodies', 'lives'] as const).map((key) => Number(settings[key])) as [
    number,
    number,
    number,
  ];
  const { inside, outside } = heldOutBodies(trained, world, count);
  const bodies = [...inside, ...outside];
  const reached = new Map<string, Returns>();
  const net = (inputs: number, width: number, small = false) =>
    nn.mlp({
      in: inputs,
      hidden: [width, width],
      out: 1,
      activation: nn.tanh,
      ...(small && { outInit: nn.init.normal({ std: 0.01 }) }),
    });
  const size = Object.keys(trained).length;
  const told = concatenated(net(3 + size, 64));
  const agentOf = (policy: PartModule | Part, value: Parts['value'] = told, family: Family = trained) =>
    actorCritic({ environment: world, family, policy, value });

  const figures = (name: string, all: Returns): Figures => {
    reached.set(name, all);
    return { interpolation: mean(all.slice(0, count)), extrapolation: mean(all.slice(count)) };
  };
  const measured = (name: string, agent: ReturnType<typeof agentOf>): Trial['measure'] => {
    const measure = bodyReturns(agent);
    return async (run, { seed }) => figures(name, await measure(run, bodies, { lives, seed: 1_000 + seed }));
  };
  const trial = (name: string, title: string, agent: ReturnType<typeof agentOf>): Trial => ({
    name,
    title,
    ...agentParts(agent),
    codes: bodyCodes(world, trained, named),
    codeSize: size,
    train: (session) => {
      const steps = asked ?? training.iterations;
      const evaluate = returns({ every: Math.max(1, Math.ceil(steps / 10)), lives: 64 });
      return session.trainWith(agent, methodOf(training, steps), { steps, evaluate, logEvery: 1 });
    },
    measure: measured(name, agent),
  });
  const main = trial('main', 'policy generated from the body', agentOf(generated(net(3, hidden, true), { size })));
  const wide = () =>
    matched(nn.countParams(main.model.spec), (width) => agentOf(concatenated(net(3 + size, width, true))));
  const controls = [
    trial('concatenation', 'ordinary policy, told the body', agentOf(concatenated(net(3 + size, hidden, true)))),
    ...(settings.matched === true ? [trial('matched', 'the same, as many parameters', wide())] : []),
    trial('film', 'scales and shifts from the body (FiLM)', agentOf(filmOf(hidden, size))),
    trial('universal', 'one policy for all bodies', agentOf(net(3, hidden, true), net(3, 64))),
  ];
  const expert = actorCritic({ environment: world, policy: net(3, hidden, true), value: net(3, 64) });
  const trials = settings.control === false ? [main] : [main, ...controls, experts()];

  /** A policy for each body of the test, which knows no other. */
  function experts(): Trial {
    const runs: Run<Trainable>[] = [];
    const measure = bodyReturns(expert);
    return {
      name: 'experts',
      title: 'an expert for each body of the test',
      model: expert,
      parameters: bodies.length * nn.countParams(expert.spec),
      world: worldOf(expert),
      exampleInput: exampleOf(expert),
      train: async (session) => {
        const steps = asked ?? expertise.iterations;
        for (const [i, body] of bodies.entries()) {
          const physics = Object.fromEntries(
            Object.entries(body).map(([name, value]) => [name, [value, value] as const]),
          );
          const method = methodOf(expertise, steps, physics as Family);
          runs.push(await session.trainWith(expert, method, { steps, logEvery: 1 }, `body${i}`));
        }
        return runs.at(-1)!;
      },
      measure: async (_, { seed }) => {
        const each: number[] = [];
        const all: number[][] = [];
        for (const [i, run] of runs.entries()) {
          all.push(await measure(run, bodies, { lives, seed: 1_000 + seed }));
          each.push(all[i]![i]!);
        }
        const idle = await measure(runs[0]!, bodies, { lives, seed: 1_000 + seed, still: true });
        reached.set('still', idle);
        return figures('experts', each);
      },
    };
  }

  return {
    trials: trials as [Trial, ...Trial[]],
    counts: {},
    columns: [
      { metric: 'interpolation', title: 'return, new bodies', format: 'number' },
      { metric: 'extrapolation', title: 'beyond the ranges', format: 'number' },
      { metric: 'share.interpolation', title: "of experts', new", format: 'percent' },
      { metric: 'share.extrapolation', title: 'beyond', format: 'percent' },
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    among: () => shares(reached, count),
    pictures: async (results) =>
      (await import('./pendulumPictures.ts')).pendulumPictures(results as TrialResult[], {
        lives: 8,
        trained: trained.mass,
      }),
    judge: (metrics) => (asShipped(options, settings) ? judged(metrics) : undefined),
  };
}

/** A policy of which the body makes scales and shifts alone. */
const filmOf = (width: number, size: number): Part => generated(filmTarget(3, width, 1), { size, generate: modulated });

const methodOf = ({ epochs, batches, copies, rate }: typeof training, steps: number, physics?: Family) => {
  return ppo<keyof typeof trained, unknown>({
    copies,
    epochs,
    batches,
    restart: true,
    discount: 0.95,
    rewardScale: 0.1,
    ...(physics && { physics }),
    optimizer: decaying(rate, steps * epochs * batches),
  });
};

const mean = (values: Returns): number => values.reduce((a, b) => a + b, 0) / values.length;

/**
 * How far each trial is from doing nothing (0) to what an expert does (1) on the same body: the mean over bodies.
 */
function shares(reached: ReadonlyMap<string, Returns>, count: number): Record<string, Figures> {
  const [experts, still] = [reached.get('experts'), reached.get('still')];
  if (experts === undefined || still === undefined) return {};
  const others = [...reached].filter(([name]) => name !== 'still');
  return Object.fromEntries(
    others.map(([name, own]) => {
      const share = own.map((value, i) => (value - still[i]!) / (experts[i]! - still[i]!));
      return [
        name,
        { 'share.interpolation': mean(share.slice(0, count)), 'share.extrapolation': mean(share.slice(count)) },
      ];
    }),
  );
}

/** What is missing of what the recipe promises: the default pendulum is swung up at about -150. */
function judged(metrics: Figures): string | undefined {
  const found = metrics['test.interpolation']!;
  return found >= -230
    ? undefined
    : `pendulum-family: expected test.interpolation of at least -230, got ${found.toFixed(1)}`;
}

/** Policies for bodies that were never met: generated from their physics. */
export const pendulumFamily: Recipe = {
  name: 'pendulum-family',
  summary: 'Pendulums of any gravity, mass, length and torque: a policy generated for each body, without more training',
  reference: 'no published figures for this family; experts and controls are measured beside it, on the same bodies',
  options,
  prepare,
};
