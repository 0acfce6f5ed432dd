import { countParams } from '../../nn/index.ts';
import type { AnyHead, CodeSpec, TargetSpec } from '../head.ts';
import * as heads from '../heads/index.ts';

/** A head with settings that suit many targets, for a planner to weigh. */
export interface Candidate {
  /** The settings, chosen for a target and a code. */
  make(target: TargetSpec, code: CodeSpec): AnyHead;
  /** What it can generate, and what it pays or gives up for that: one clause. */
  readonly reach: string;
}

/**
 * The candidates that `plan` compares when none are given, from those that can generate most to those that are held
 * to a form: when several fit a budget, the first is recommended. Not among them are heads for a part of a target alone:
 * `gates` and `widths` generate nothing but gates, and `compose` is told which part is whose.
 */
export const candidates: Readonly<Record<string, Candidate>> = {
  'dense, 64 hidden': {
    make: () => heads.dense({ hidden: [64] }),
    reach: 'every weight is a function of the code of its own, on 64 shared features',
  },
  dense: { make: () => heads.dense(), reach: 'every weight is an affine function of the code of its own' },
  'lowRank, rank 4': {
    make: () => heads.lowRank({ rank: 4 }),
    reach: 'matrices are products of two thin ones, each an affine function of the code',
  },
  'experts, 4': {
    make: () => heads.experts({ count: 4, gate: 'softmax' }),
    reach: 'each layer is a mixture of four that are stored',
  },
  chunked: {
    make: (target) => heads.chunked({ chunk: Math.ceil(Math.sqrt(countParams(target))), embedding: 8 }),
    reach:
      'one small network writes the weights piece by piece, and a learned embedding tells each piece from the others',
  },
  layerwise: {
    make: () => heads.layerwise({ embedding: 8 }),
    reach: 'weights of one size share a generator, and a learned embedding tells each from the others',
  },
  coordinate: {
    make: () => heads.coordinate({ hidden: [32, 32] }),
    reach:
      'one small network maps the place of each weight to its value, so that parameters do not grow with the target',
  },
  graph: {
    make: () => heads.graph({ hidden: 32 }),
    reach:
      'a network over the layers makes tiles of any target, so that targets of other depths and widths can share it',
  },
  scale: {
    make: () => heads.scale(),
    reach: 'weights are stored, and the code scales what makes each output',
  },
};
