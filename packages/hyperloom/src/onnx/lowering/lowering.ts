import type { Attrs, Aval, DType, Op, OpName, ops, Program, ValueId } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { Graph } from '../proto.ts';
import type { Value } from '../value.ts';

/** What a graph is written for. */
export interface Target {
  /** Channels in a block of the engine's blocked convolution kernels; 0 where it has none. */
  readonly block: 0 | 8 | 16;
  /** Whether others are to read the graph: operators of ONNX alone, of an older set, and one for each operation if possible. */
  readonly standard?: boolean;
}

/** One operation to be written as ONNX nodes. */
export interface Call<A extends Attrs = Attrs> {
  readonly b: Builder;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Aval[];
  readonly attrs: A;
  readonly target: Target;
  /** Writes a program as a graph inside this one, which reads values around it where inputs stand for such. */
  body(program: Program, around: ReadonlyMap<ValueId, Value>): Graph;
}

/** A name of a row-major value in the graph, or a value with layouts. */
export type Result = string | Value;

/** How an operation is written as ONNX nodes: one result for each output. */
export type Lowering<A extends Attrs = Attrs> = (call: Call<A>) => readonly Result[] | Result;

type AttrsOf<O> = O extends Op<infer A> ? A : never;

/** A lowering for every operation. */
export type Lowerings = { readonly [N in OpName]: Lowering<AttrsOf<(typeof ops)[N]>> };

/** The row-major names of the inputs. */
export const names = ({ inputs }: Pick<Call, 'inputs'>): string[] => inputs.map((input) => input.name());

/** Element types that an ONNX operator lacks, and the type to compute in instead. */
export type Detour = { readonly [T in DType]?: DType | 'int64' };

/** uint32 has no kernel: every value fits int64, and the cast back keeps the low 32 bits. */
export const wide: Detour = { uint32: 'int64' };

/** Writes nodes in a type that has kernels, with casts around them where the inputs' own type has none. */
export function detoured(
  b: Builder,
  dtype: DType,
  detour: Detour,
  inputs: readonly string[],
  write: (inputs: readonly string[]) => string,
  { castBack = true } = {},
): string {
  const other = detour[dtype];
  if (other === undefined) return write(inputs);
  const result = write(inputs.map((x) => b.cast(x, other)));
  return castBack ? b.cast(result, dtype) : result;
}
