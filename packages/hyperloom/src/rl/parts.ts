import { type AnyHead, biasHyperInit, heads, hypernetwork } from '../hyper/index.ts';
import type { Module } from '../nn/index.ts';
import { ArgumentError, concat, type Tensor } from '../tensor/index.ts';
import type { Known, Part, PartModule, Source } from './agent.ts';

/** Settings of {@link generated}. */
export interface GeneratedOptions {
  /** What the weights are generated from. Default `code`, the physics. */
  readonly from?: Source;
  /** How many numbers that is. */
  readonly size: number;
  /** Default: a dense head behind one hidden layer of 64, with Bias-HyperInit. */
  readonly head?: AnyHead;
}

/** The head of parts that name none. */
export const usualHead = (): AnyHead => heads.dense({ hidden: [64], init: biasHyperInit() }) as AnyHead;

/**
 * A part whose weights are generated: from the physics (Beck et al. 2022; HyperZero, 2023), the state (Sarafian et al.
 * 2021) or the belief of a recurrent agent. The target reads the observation. Heads start by Bias-HyperInit, so that at
 * first every code has the network that the target itself would start as: without it these do not learn (Beck et al.).
 * @throws ArgumentError when applied where there is no such source
 * @example
 * const target = nn.mlp({ in: 3, hidden: [32, 32], out: 1, activation: nn.tanh });
 * const policy = rl.generated(target, { size: 2 });
 */
export function generated<S>(
  target: Module<S, Tensor, Tensor>,
  { from = 'code', size, head = usualHead() }: GeneratedOptions,
): Part {
  const module = hypernetwork(target, { code: size, head: head as never }) as unknown as PartModule;
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
