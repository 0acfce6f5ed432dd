import { type AnyHead, biasHyperInit, heads, hypernetwork } from '../hyper/index.ts';
import { type Activation, type Module, relu } from '../nn/index.ts';
import { ArgumentError, concat, div, type Tensor } from '../tensor/index.ts';
import type { Known, Part, PartModule, Source } from './agent.ts';

/** Settings of {@link generated}. */
export interface GeneratedOptions {
  /** What the weights are generated from. Default `code`, the physics. */
  readonly from?: Source;
  /** How many numbers that is. */
  readonly size: number;
  /** Patterns over the paths of the target's weights: those to generate. The others are stored. Default all. */
  readonly generate?: string | readonly string[];
  /** Default: a dense head behind one hidden layer of 32, with Bias-HyperInit; see {@link generated}. */
  readonly head?: AnyHead;
}

/** Hidden units of the head of a generated part, where none is given. */
const features = 32;

/**
 * ReLU, shared out among the features. Adam moves each weight of the head by as much, and a generated weight by the sum
 * of what all features add. Whole features would move the policy some ten times as fast as a stored one, and most of
 * that in directions in which a batch of few bodies is noise.
 */
const shared: Activation = { ...relu, apply: (params, x) => div(relu.apply(params, x), features) };

/** The head of parts that name none. */
const usualHead = (): AnyHead =>
  heads.dense({ hidden: [features], activation: shared, init: biasHyperInit() }) as AnyHead;

/**
 * A part whose weights are generated: from the physics (Beck et al. 2022; HyperZero, 2023), the state (Sarafian et al.
 * 2021) or the belief of a recurrent agent. The target reads the observation. Heads start by Bias-HyperInit, so that at
 * first every code has the network that the target itself would start as (Beck et al.), and their features are shared
 * out, so that the learning rate of an ordinary policy serves the generated one too.
 * @throws ArgumentError when applied where there is no such source
 * @example
 * const target = nn.mlp({ in: 3, hidden: [32, 32], out: 1, activation: nn.tanh });
 * const policy = rl.generated(target, { size: 2 });
 */
export function generated<S>(
  target: Module<S, Tensor, Tensor>,
  { from = 'code', size, generate = '**', head = usualHead() }: GeneratedOptions,
): Part {
  const module = hypernetwork(target, { code: size, generate, head: head as never }) as unknown as PartModule;
  return { module, from, read: (known) => ({ code: sourceOf(known, from), input: known.observation }) };
}

/**
 * A part that reads a source beside the observation: what a generated part is to be held against.
 * @throws ArgumentError when applied where there is no such source
 * @example
 * const policy = rl.concatenated(nn.mlp({ in: 3 + 2, hidden: [32, 32], out: 1, activation: nn.tanh }));
 */
export const concatenated = (module: PartModule, from: Source = 'code'): Part => ({
  module,
  read: (known) => concat([known.observation, sourceOf(known, from)]),
});

/** A source, of what is known. */
export function sourceOf(known: Known, from: Source): Tensor {
  const found = known[from];
  if (found === undefined) {
    const needed = from === 'belief' ? 'a belief' : 'a family of physics';
    throw new ArgumentError(
      `actorCritic: expected an agent with ${needed} for a part that reads the ${from}, got none`,
    );
  }
  return found;
}
