import { descend, type Optimizer } from '../optim/index.ts';
import {
  ArgumentError,
  add,
  concat,
  div,
  matmul,
  max,
  mean,
  mul,
  neg,
  random,
  reshape,
  sign,
  split,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  vmap,
} from '../tensor/index.ts';
import type { Method, Trainable } from '../train/index.ts';
import { type Agent, agentExample } from './agent.ts';
import { checkWhole } from './playing.ts';
import { shownOf } from './policy.ts';

/** What is to be made great: a scalar of a model's weights and a key for whatever is drawn. */
export type Fitness = (params: never, key: Tensor) => Tensor;

/** Settings of {@link evolution}. */
export interface EvolutionOptions {
  /** Needs no gradient: see `rl.fitness` for the mean return of an agent. */
  readonly fitness: Fitness;
  /** Takes a step along the estimated gradient of minus the fitness. */
  readonly optimizer: Optimizer;
  /** How many vectors of weights are tried in a step, an even number. Default 64. */
  readonly population?: number;
  /** Standard deviation of the perturbations of each weight. Default 0.05. */
  readonly std?: number;
  /** Types and shapes of one input of the model, by which a checkpoint describes it. Default: those of an agent. */
  readonly input?: unknown;
}

/**
 * An evolution strategy (Salimans et al. 2017) as a method of training: a step tries weights with normal perturbations
 * in pairs of opposite sign, all in one program, and estimates the gradient of the mean fitness around the weights
 * from the ranks of the fitnesses, from -0.5 to 0.5, equal ones sharing theirs: sum(rank e) / (population std). All of a
 * population are given the same key, so that they differ by their weights and not by luck. The fitness may be any pure
 * function; statistics of layers stay as they are. It tells `fitness`, the mean of the population, and `best`; the loss
 * is minus the mean.
 * @throws ArgumentError for a population that is not even, a std that is not positive, or a model of unknown input
 * @example
 * const model = nn.linear({ in: 1, out: 1 });
 * const method = rl.evolution({
 *   fitness: ({ weight }: { weight: Tensor }) => neg(sum(square(sub(weight, 3)))),
 *   optimizer: optim.adam(0.1),
 *   input: { dtype: 'float32', shape: [1] },
 * });
 * const run = await trainWith(model, method, { steps: 2 });
 * await run.dispose();
 */
export function evolution({ fitness, optimizer, population = 64, std = 0.05, input }: EvolutionOptions): Method {
  checkWhole('evolution', { population });
  if (population % 2 !== 0) throw new ArgumentError(`evolution: expected an even population, got ${population}`);
  if (!(std > 0)) throw new ArgumentError(`evolution: expected a positive std, got ${std}`);
  return {
    example: (model) => input ?? exampleOf(model),
    shown: (model) => (isAgent(model) ? shownOf(model) : undefined),
    start: (_, packed) => ({ ...packed, optimizer: optimizer.init(packed.theta), state: {} }),
    step: ({ layout }, { theta, rest, ...before }, call) => {
      const key = random.foldIn(random.foldIn(call.key, 3), call.step);
      const half = random.normal(random.foldIn(key, 0), [population / 2, layout.size]);
      const own = random.foldIn(key, 1);
      const measure = (change: Tensor) =>
        reshape(fitness(layout.unpack({ theta: add(theta, mul(change, std)), rest }) as never, own), []);
      const all = vmap(measure)(concat([half, neg(half)]));
      const [plus, minus] = split(centredRanks(all), [population / 2, population / 2]) as [Tensor, Tensor];
      const ascent = div(matmul(reshape(sub(plus, minus), [1, -1]), half), population * std);
      const gradient = neg(reshape(ascent, [-1]));
      const [moved, next] = descend(optimizer, theta, gradient, before.optimizer);
      return {
        carried: { theta: moved, rest: null, optimizer: next, state: {} },
        measured: {
          loss: neg(mean(all)),
          gradientNorm: sqrt(sum(square(gradient))),
          metrics: { fitness: mean(all), best: max(all) },
        },
      };
    },
  };
}

/** Ranks of numbers [n] from -0.5, the least, to 0.5; equal ones share the mean of theirs. */
export const centredRanks = (t: Tensor): Tensor => {
  const [n] = t.shape as [number];
  const above = sign(sub(reshape(t, [n, 1]), reshape(t, [1, n])));
  return div(sum(above, { axis: 1 }), 2 * (n - 1));
};

const isAgent = (model: Trainable): model is Agent => 'environment' in model && 'distribution' in model;

/** What an agent is given. */
function exampleOf(model: Trainable): unknown {
  if (!isAgent(model))
    throw new ArgumentError(`evolution: expected the input of a model that is no agent, got none for ${model.name}`);
  return agentExample(model);
}
