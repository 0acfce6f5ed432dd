import type { Tensor } from '../tensor/index.ts';
import type { CodeSpec, TargetSpec } from './head.ts';
import * as heads from './heads/index.ts';

/** A head, its own weights' type forgotten. */
export interface AnyHead {
  readonly name: string;
  spec(target: TargetSpec, code: CodeSpec): unknown;
  apply(params: never, code: Tensor, target: TargetSpec): unknown;
}

/** A head with settings that suit many targets, for a planner to weigh. */
export interface Candidate {
  /** The settings, chosen for a target and a code. */
  make(target: TargetSpec, code: CodeSpec): AnyHead;
  /** What it can generate, and what it pays or gives up for that: one clause. */
  readonly reach: string;
}

/**
 * The candidates that `plan` compares when none are given, from those that can generate most to those that are held
 * to a form: when several fit a budget, the first is recommended.
 */
export const candidates: Readonly<Record<string, Candidate>> = {
  'dense, 64 hidden': {
    make: () => heads.dense({ hidden: [64] }),
    reach: 'every weight is a function of the code of its own, on 64 shared features',
  },
  dense: { make: () => heads.dense(), reach: 'every weight is an affine function of the code of its own' },
  layerwise: {
    make: () => heads.layerwise({ embedding: 8 }),
    reach: 'weights of one size share a generator, and a learned embedding tells each from the others',
  },
};
