import * as nn from 'hyperloom/nn';
import { div, reshape, type Tensor, tree, where } from 'hyperloom/tensor';
import type { Carry } from 'hyperloom/train';

/** Mean bits of a character: what a model gives, with logits y [..., symbols], and the characters [...], to a scalar. */
export const bitsPerCharacter = ({ y }: { readonly y: Tensor }, characters: Tensor): Tensor =>
  div(nn.losses.crossEntropy(y, characters), Math.LN2);

/** A state of rows, leaves [..., n], with zeros where a row begins anew: fresh, bool [...]. */
export function begun<State>(fresh: Tensor, state: State): State {
  const first = reshape(fresh, [...fresh.shape, 1]);
  return tree.map((held: Tensor) => where(first, 0, held), state) as State;
}

/** What one row reads of a text, as `textStreams` has it. */
interface Window {
  readonly x: Tensor;
  readonly fresh: Tensor;
}

/** Carries the state of a model from `{ x, state }` to `{ y, state }` from window to window of a text. */
export const carryState = (state: unknown): Carry => ({
  state,
  write: ({ x, fresh }: Window, before: unknown) => ({ x, state: begun(fresh, before) }),
  read: (output: { readonly state: unknown }) => output.state,
});
