import { type AnyHead, biasHyperInit, type HeadInit, heads, hyperfanIn, kaimingInit } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';
import { acrobot, actorCritic, cartPoleSwingUp, generated, type Player, ppo, returns } from 'hyperloom/rl';
import { ndarray } from 'hyperloom/tensor';
import { asShipped } from './asShipped.ts';
import { matched } from './concatenation.ts';
import { agentParts, decaying, meanReturns } from './playing.ts';
import type { Experiment, Figures, Recipe, RunFlags, Settings, Trial } from './recipe.ts';

const options = {
  control: { default: true, help: 'also train Kaiming heads and ordinary policies, and all of these on acrobot' },
  lives: { default: 200, least: 1, whole: true, help: 'episodes of the test' },
  hidden: { default: 16, least: 1, whole: true, help: 'hidden units of the policy whose weights are generated' },
  features: { default: 32, least: 1, whole: true, help: 'features of the state that generate the weights' },
  init: {
    default: 'bias',
    choices: ['bias', 'hyperfan', 'kaiming'],
    help: 'how heads start: bias (Bias-HyperInit), hyperfan or kaiming',
  },
  critic: { default: false, help: 'generate the weights of the critic from the state as well' },
};

const inits: Readonly<Record<string, () => HeadInit>> = {
  bias: biasHyperInit,
  hyperfan: hyperfanIn,
  kaiming: kaimingInit,
};

/** A world, and what its policies are trained with: the same for all of them. */
interface Task {
  readonly name: string;
  readonly world: Player['environment'];
  /** Numbers that a policy gives. */
  readonly out: number;
  readonly iterations: number;
  readonly rate: number;
  readonly entropy: number;
  /** The least mean return that the recipe promises of the generated policy. */
  readonly promised: number;
}

const swingUp: Task = {
  name: 'swing-up',
  world: cartPoleSwingUp(),
  out: 1,
  iterations: 200,
  rate: 3e-3,
  entropy: 0.03,
  promised: 380,
};

const hangUp: Task = {
  name: 'acrobot',
  world: acrobot(),
  out: 3,
  iterations: 60,
  rate: 2e-3,
  entropy: 0.01,
  promised: -100,
};

const training = { copies: 32, steps: 128, epochs: 4, batches: 4 };

async function prepare(settings: Settings, { steps: asked }: RunFlags): Promise<Experiment> {
  const [lives, hidden, features] = (['lives', 'hidden', 'features'] as const).map((key) => Number(settings[key])) as [
    number,
    number,
    number,
  ];
  const trialsOf = (task: Task, prefix: string): readonly [Trial, Trial, Trial] => {
    const { world, out } = task;
    const size = world.spec.observation.length;
    const small = { activation: nn.tanh, outInit: nn.init.normal({ std: 0.01 }) };
    const ordinary = nn.mlp({ in: size, hidden: [64, 64], out: 1, activation: nn.tanh });
    const fromState = (init: () => HeadInit, outputs: number) => {
      const target = nn.mlp({ in: size, hidden: [hidden], out: outputs, ...small });
      const head = heads.dense({ hidden: [features], activation: nn.tanh, init: init() }) as AnyHead;
      return generated(target, { from: 'observation', size, head });
    };
    const agentOf = (policy: Parameters<typeof actorCritic>[0]['policy'], init?: () => HeadInit) => {
      const value = init && settings.critic === true ? fromState(init, 1) : ordinary;
      return actorCritic({ environment: world, policy, value, std: 1 });
    };
    const byHead = (init: () => HeadInit) => agentOf(fromState(init, out), init);
    const main = byHead(inits[String(settings.init)]!);
    const plain = matched(nn.countParams(main.spec), (width) =>
      agentOf(nn.mlp({ in: size, hidden: [width, width], out, ...small })),
    );
    const trial = trialOf(task, asked ?? task.iterations, lives);
    const label = (title: string) => `${task.name}: ${title}`;
    return [
      trial(prefix === '' ? 'main' : prefix, label('policy generated from the state'), main),
      trial(`${prefix}${prefix && '-'}mlp`, label('ordinary policy, as many parameters'), plain),
      trial(`${prefix}${prefix && '-'}kaiming`, label('generated, Kaiming heads'), byHead(kaimingInit)),
    ];
  };
  const [main, ...controls] = trialsOf(swingUp, '');
  return {
    trials: settings.control === false ? [main] : [main, ...controls, ...trialsOf(hangUp, 'acrobot')],
    counts: {},
    columns: [
      { metric: 'return', title: 'return', format: 'number' },
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'environmentSteps', title: 'steps of the world', format: 'integer' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    pictures: async (results) => (await import('./statePictures.ts')).statePictures(results),
    judge: (metrics) => (asShipped(options, settings) ? judged(metrics, settings.control !== false) : undefined),
  };
}

/** Makes trials of a task. */
const trialOf =
  (task: Task, steps: number, lives: number) =>
  (name: string, title: string, agent: ReturnType<typeof actorCritic<Task['world']>>): Trial => {
    const { epochs, batches, copies, steps: each } = training;
    const size = task.world.spec.observation.length;
    const method = ppo<string, unknown>({
      ...training,
      lambda: 0.98,
      entropy: task.entropy,
      rewardScale: 0.05,
      optimizer: decaying(task.rate, steps * epochs * batches),
    });
    return {
      name,
      title,
      ...agentParts(agent),
      codes: [{ name: 'mean state', code: ndarray(new Float32Array(size)) }],
      codeSize: size,
      train: (session) => {
        const evaluate = returns({ every: Math.max(1, Math.ceil(steps / 20)), lives: 64 });
        return session.trainWith(agent, method, { steps, evaluate, logEvery: 1 });
      },
      measure: async (run, { seed }): Promise<Figures> => {
        const { returns: found } = await meanReturns(run, agent, { lives, seed: 1_000 + seed });
        return { return: found[0]!, environmentSteps: steps * copies * each };
      },
    };
  };

/** What is missing of what the recipe promises. */
function judged(metrics: Figures, controls: boolean): string | undefined {
  const least = (name: string, bound: number): string | undefined =>
    metrics[name]! >= bound
      ? undefined
      : `state-policy: expected ${name} of at least ${bound}, got ${metrics[name]?.toFixed(1)}`;
  return (
    least('test.return', swingUp.promised) ?? (controls ? least('acrobot.test.return', hangUp.promised) : undefined)
  );
}

/** Policies whose weights are another function of the state. */
export const statePolicy: Recipe = {
  name: 'state-policy',
  summary: 'Policies whose weights are generated from the state, against ordinary ones of as many parameters',
  reference:
    'the design is of Sarafian et al. 2021, who generate actor and critic of other algorithms in other worlds: no figures to compare',
  options,
  prepare,
};
