import * as nn from 'hyperloom/nn';
import { actorCritic, cartPole, physicsNumbers, ppo, returns } from 'hyperloom/rl';
import { asShipped } from './asShipped.ts';
import { agentParts, decaying, episodePicture, meanReturns } from './playing.ts';
import type { Experiment, Figures, Picture, Recipe, RunFlags, Settings, Trial, TrialResult } from './recipe.ts';

const options = {
  control: { default: true, help: 'also train a policy that is one linear layer' },
  lives: { default: 200, least: 1, whole: true, help: 'episodes of the test' },
  copies: { default: 32, least: 4, whole: true, help: 'cart-poles that are played side by side, a multiple of 4' },
};

/** Iterations of 128 steps of each copy, and what they make of them. */
const training = { iterations: 60, steps: 128, epochs: 4, batches: 4, rate: 1e-3 };

const world = cartPole();

async function prepare(settings: Settings, { steps = training.iterations }: RunFlags): Promise<Experiment> {
  const copies = Number(settings.copies);
  const lives = Number(settings.lives);
  const trial = (name: string, title: string, hidden: readonly number[]): Trial => {
    const net = (widths: readonly number[], out: number) =>
      nn.mlp({ in: 4, hidden: widths, out, activation: nn.tanh, outInit: nn.init.normal({ std: 0.01 }) });
    const agent = actorCritic({ environment: world, policy: net(hidden, 2), value: net([64, 64], 1) });
    const { epochs, batches, rate } = training;
    const method = ppo({
      copies,
      steps: training.steps,
      epochs,
      batches,
      lambda: 0.98,
      // Returns are up to 100 with this discount: the value function is to learn numbers near 1.
      rewardScale: 0.02,
      optimizer: decaying(rate, steps * epochs * batches),
    });
    return {
      name,
      title,
      ...agentParts(agent),
      train: (session) =>
        session.trainWith(agent, method, { steps, evaluate: returns({ every: Math.ceil(steps / 12) }), logEvery: 1 }),
      measure: async (run, { seed }): Promise<Figures> => {
        const { returns: found } = await meanReturns(run, agent, { lives, seed: 1_000 + seed });
        return { return: found[0]!, environmentSteps: steps * copies * training.steps };
      },
    };
  };
  const main = trial('main', 'two hidden layers of 64', [64, 64]);
  const linear = trial('linear', 'one linear layer', []);
  return {
    trials: settings.control === false ? [main] : [main, linear],
    counts: {},
    columns: [
      { metric: 'return', title: 'return', format: 'number' },
      { metric: 'parameters', title: 'parameters', format: 'integer' },
      { metric: 'environmentSteps', title: 'steps of the world', format: 'integer' },
      { metric: 'seconds', title: 'seconds', format: 'number' },
    ],
    published: [{ title: 'solved, by the definition of CartPole-v1', cells: ['475', '', '', ''] }],
    pictures: episodes,
    judge: (metrics) =>
      !asShipped(options, settings) || metrics['test.return']! >= 475
        ? undefined
        : `cartpole: expected a mean return of at least 475, got ${metrics['test.return']}`,
  };
}

/** One episode of each trial. */
async function episodes(results: readonly TrialResult[]): Promise<Picture[]> {
  const physics = physicsNumbers(world);
  return Promise.all(
    results.map(async ({ trial, run }) => {
      const episode = await trial.world!.play(run, physics, 0);
      const caption = `${trial.title}: an episode of ${episode.moments.length} steps, of which the first 10 seconds are shown.`;
      return episodePicture(trial.world!, physics, [episode], { name: `episode-${trial.name}`, caption, fps: 50 });
    }),
  );
}

/** The check of the base: a pole is held up by an ordinary policy. */
export const cartpole: Recipe = {
  name: 'cartpole',
  summary: 'A pole held up on a cart: proximal policy optimisation with an ordinary policy, as a check of the base',
  reference: 'CartPole-v1 counts as solved from a mean return of 475 of 500 (Gymnasium)',
  options,
  seeds: 5,
  prepare,
};
