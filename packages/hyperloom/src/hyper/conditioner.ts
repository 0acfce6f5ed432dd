import type { Context, Params, SpecTree } from '../nn/index.ts';
import type { Tensor } from '../tensor/index.ts';
import type { CodeSpec } from './head.ts';

/**
 * What yields the code of a hypernetwork: a table of learned embeddings, an input, an encoder over data. `Source` is
 * what it reads at each call; undefined when it reads nothing.
 */
export interface Conditioner<Source = unknown, S = SpecTree> extends CodeSpec {
  readonly name: string;
  readonly spec: S;
  /** How many codes there are, where that is fixed. */
  readonly count?: number;
  /** The code, a vector of `size` elements. */
  apply(params: Params<S>, source: Source, context?: Context): Tensor;
}

/** Any conditioner, the types of its weights and source forgotten: what a container of conditioners takes. */
export interface AnyConditioner extends CodeSpec {
  readonly name: string;
  readonly spec: unknown;
  apply(params: never, source: never, context?: Context): Tensor;
}

/** What a conditioner's type reads at each call. */
export type SourceOf<C> = C extends Conditioner<infer Source, infer _> ? Source : never;
