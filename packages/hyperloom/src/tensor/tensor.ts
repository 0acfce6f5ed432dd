import { type NdArray, ndarray } from './array.ts';
import { type DType, isFloat } from './dtype.ts';
import { DTypeError, ShapeError } from './errors.ts';
import type { AxisRule } from './ops/factors.ts';
import type { Program } from './program.ts';
import { currentScope } from './scope.ts';
import { type Aval, isShape, type Shape, showShape, sizeOf } from './shape.ts';

/** Options of an operation: plain data, so that programs serialise. */
export type Attr =
  | string
  | number
  | boolean
  | null
  | readonly Attr[]
  | { readonly [key: string]: Attr | undefined }
  | NdArray
  | Program;
/** The options of one operation by name. */
export type Attrs = { readonly [key: string]: Attr | undefined };

/** What a batching rule gets: the inputs, which of them carry the batch on axis 0, and the size of the batch. */
export interface BatchCall<A extends Attrs = Attrs> {
  readonly inputs: readonly Tensor[];
  readonly batched: readonly boolean[];
  readonly size: number;
  readonly attrs: A;
  /** The name that the `vmap` gave to the batch, if it gave one. */
  readonly name: string | undefined;
}

/** What a gradient rule gets. A cotangent is undefined where nothing depends on that output. */
export interface VjpCall<A extends Attrs = Attrs> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly cotangents: readonly (Tensor | undefined)[];
  readonly attrs: A;
  /** Which inputs the caller wants a gradient for; a rule may skip the others. */
  readonly wanted: readonly boolean[];
}

/**
 * An operation, whole: what it makes of shapes, its gradient, its vectorisation, and its slow exact meaning.
 * Gradients and batching are written in traced operations, so they can be differentiated and batched again.
 */
export interface Op<A extends Attrs = Attrs> {
  readonly name: string;
  /** Output types from input types. Throws ShapeError or DTypeError. */
  infer(inputs: readonly Aval[], attrs: A): readonly Aval[];
  /** Gradients for the inputs, undefined where there is none. */
  vjp(call: VjpCall<A>): readonly (Tensor | undefined)[];
  /** The same operation over inputs of which some have a leading batch axis; every output gets one. */
  batch(call: BatchCall<A>): readonly Tensor[];
  /** The definition in float64. Float data arrives and leaves as Float64Array. */
  eval(inputs: readonly NdArray[], attrs: A): readonly NdArray[];
  /** Whether each element of the result is of one element of each input. */
  readonly elementwise?: true;
  /**
   * Which axes of inputs and outputs count over the same things. By default those of an elementwise operation pair as
   * they broadcast, and all elements of any other depend on each other.
   */
  axes?(inputs: readonly Aval[], outputs: readonly Aval[], attrs: A): AxisRule;
  /** Positions of the inputs whose zeros make zeros of the result, whatever the others are. */
  readonly absorbs?: readonly number[];
  /** For each of two inputs, the number with which the result is the other input. */
  readonly neutral?: readonly (number | undefined)[];
  /** The options for inputs and outputs that have fewer elements along axes that are not fixed. */
  resize?(attrs: A, inputs: readonly Aval[], outputs: readonly Aval[]): A;
  /** What one application takes. By default it goes once over the largest of its inputs and outputs. */
  work?(inputs: readonly Aval[], outputs: readonly Aval[], attrs: A): Work;
}

/** What an operation takes: `programCost` adds these up. */
export interface Work {
  /** Products that are summed: those of matrices and convolutions. */
  readonly multiplyAdds: number;
  /** Elements that any other operation goes over. */
  readonly elements: number;
}

/** The work of an operation that looks at the same numbers in another way. */
export const noWork = (): Work => ({ multiplyAdds: 0, elements: 0 });

/** The work of an operation that touches only those elements of its inputs that it gives. */
export const workOnOutput = (_: readonly Aval[], [y]: readonly Aval[]): Work => ({
  multiplyAdds: 0,
  elements: sizeOf(y!.shape),
});

/** One application of an operation. Nodes form an acyclic graph; `id` grows with creation, so it orders them. */
export interface Node {
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attrs: Attrs;
  readonly outputs: readonly Aval[];
  readonly scope: string;
}

/** A symbolic array: one output of a node. It has a type and a shape, and no numbers until an engine runs it. */
export class Tensor implements Aval {
  readonly node: Node;
  readonly index: number;
  readonly dtype: DType;
  readonly shape: Shape;
  constructor(node: Node, index: number) {
    const aval = node.outputs[index] as Aval;
    this.node = node;
    this.index = index;
    this.dtype = aval.dtype;
    this.shape = aval.shape;
  }
  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }
  toString(): string {
    return `Tensor(${this.dtype}${showShape(this.shape)}, ${this.node.op.name})`;
  }
}

/** A tensor, or a number that takes the type of what it meets. */
export type TensorLike = Tensor | number;

let nextId = 0;

/** Adds a node to the graph and returns its outputs. */
export function emit<A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): readonly Tensor[] {
  // A rule may answer with one of its inputs, which is more than a type and a shape.
  const outputs = op.infer(inputs, attrs).map(({ dtype, shape }): Aval => ({ dtype, shape }));
  const node: Node = { id: nextId++, op: op as Op, inputs, attrs, outputs, scope: currentScope() };
  return outputs.map((_, index) => new Tensor(node, index));
}

/** {@link emit} for an operation with one output. */
export const emit1 = <A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor =>
  emit(op, inputs, attrs)[0] as Tensor;

/** A rule for operations through which no gradient flows. */
export const noGradient = ({ inputs }: VjpCall): undefined[] => inputs.map(() => undefined);

/** The definition of a constant; it has no inputs, so no rule is ever asked for a gradient or a batch. */
export const constantOp: Op<{ value: NdArray }> = {
  name: 'constant',
  infer: (_, { value }) => [{ dtype: value.dtype, shape: value.shape }],
  vjp: () => [],
  batch: () => [],
  eval: (_, { value }) => [value],
  work: noWork,
};

/** The definition of an argument of a traced function. Programs turn these into their inputs. */
export const inputOp: Op<{ dtype: DType; shape: Shape }> = {
  name: 'input',
  infer: (_, { dtype, shape }) => {
    if (!isShape(shape))
      throw new ShapeError(`input: expected a shape of whole sizes, none negative, got ${showShape(shape)}`);
    return [{ dtype, shape }];
  },
  vjp: () => [],
  batch: () => [],
  eval: () => [],
  work: noWork,
};

/** A fresh argument for a traced function. */
export const placeholder = ({ dtype, shape }: Aval): Tensor => emit1(inputOp, [], { dtype, shape });

/**
 * A tensor that holds given numbers.
 * @example
 * const half = constant(0.5);
 * const eye = constant(ndarray([[1, 0], [0, 1]]));
 */
export const constant = (value: NdArray | number | readonly number[], dtype: DType = 'float32'): Tensor =>
  emit1(constantOp, [], { value: isArray(value) ? value : ndarray(value, undefined, dtype) });

const isArray = (value: unknown): value is NdArray => typeof value === 'object' && value !== null && 'data' in value;

/** Numbers become constants of the type that they meet. */
export function pair(op: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] {
  if (typeof a === 'number') {
    const other = typeof b === 'number' ? constant(b) : b;
    return [scalarLike(a, other, op), other];
  }
  return [a, typeof b === 'number' ? scalarLike(b, a, op) : b];
}

/** A scalar constant of the type of `like`. */
export function scalarLike(value: number, like: Aval, op = 'constant'): Tensor {
  if (!isFloat(like.dtype) && !Number.isInteger(value)) {
    throw new DTypeError(`${op}: expected a whole number to combine with ${like.dtype}, got ${value}`);
  }
  return constant(value, like.dtype);
}
