import type { Tensor } from '../tensor/index.ts';

/**
 * A scalar that a step adds to the mean loss of its batch, a function of the parameters alone: a penalty on weights, or
 * on how far a hypernetwork moves from what it generated before.
 */
export interface Regularizer {
  /** Arrays that `apply` reads at every step, a tree. */
  readonly inputs?: unknown;
  /**
   * When true, `apply` sees the parameters after the step that the optimiser would take on the loss of the batch
   * alone; that step counts as a constant (von Oswald et al. 2020, eq. 2).
   */
  readonly lookahead?: boolean;
  apply(params: never, inputs: never, at: { readonly key: Tensor; readonly step: Tensor }): Tensor;
}
