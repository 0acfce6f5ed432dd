import type { OpName } from './ops/index.ts';
import type { Aval } from './shape.ts';
import type { Attrs } from './tensor.ts';

/** Index of a value in a program: the inputs come first, then the outputs of each node in order. */
export type ValueId = number;

/** One operation of a program. */
export interface ProgramNode {
  readonly op: OpName;
  readonly inputs: readonly ValueId[];
  readonly attrs: Attrs;
  readonly outputs: readonly (Aval & { readonly id: ValueId })[];
  /** The layer that the operation was traced in, such as `conv2.bias`; empty outside any. */
  readonly scope: string;
}

/**
 * A traced function as pure data: typed inputs, operations in an order in which they can run, and the values that
 * are its outputs. It holds no functions and no engine handles, so it prints, compares and serialises.
 */
export interface Program {
  readonly inputs: readonly (Aval & { readonly id: ValueId; readonly name: string })[];
  readonly nodes: readonly ProgramNode[];
  readonly outputs: readonly { readonly id: ValueId; readonly name: string }[];
}
