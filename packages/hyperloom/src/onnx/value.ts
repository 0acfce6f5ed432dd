import type { Aval, DType, Shape } from '../tensor/index.ts';

/** A name in the graph, or how to write the nodes that make one; they are written when first asked for. */
type Form = string | (() => string);

/** A value as the blocked kernels take it: the elements of [N, C, H, W] with channels in blocks, [N, C / block, H, W, block]. */
export interface Blocked {
  readonly name: () => string;
  /** [N, C, H, W]. The value itself may have this shape or another of as many elements. */
  readonly grid: Shape;
}

/** A convolution to which a number for each channel can be added at no cost. */
export interface Biased {
  /** [N, C, H, W], of which the value has the elements. */
  readonly grid: Shape;
  /** The convolution with a bias [C] of a given name, as a value of a type and shape. */
  with(bias: string, y: Aval): Value;
}

/** What is known of a value besides its row-major form. */
interface Also {
  readonly blocked?: Blocked | undefined;
  readonly biased?: Biased | undefined;
  readonly matrixOf?: Value;
}

/**
 * A value of a program on its way into an ONNX graph. Nodes that only rearrange it are written when first asked for, so
 * what nobody needs is never written.
 */
export class Value implements Aval {
  readonly dtype: DType;
  readonly shape: Shape;
  /** The value whose last two axes, swapped, give this one: products take that instead. */
  readonly matrixOf: Value | undefined;
  readonly biased: Biased | undefined;
  #plain: Form;
  #blocked: Blocked | undefined;

  constructor({ dtype, shape }: Aval, plain: Form, { blocked, biased, matrixOf }: Also = {}) {
    this.dtype = dtype;
    this.shape = shape;
    this.matrixOf = matrixOf;
    this.biased = biased;
    this.#plain = plain;
    this.#blocked = blocked;
  }
  /** Its name in the graph, row-major. */
  name(): string {
    if (typeof this.#plain !== 'string') this.#plain = this.#plain();
    return this.#plain;
  }
  /** Its blocked form, if it is on hand. */
  get blocked(): Blocked | undefined {
    return this.#blocked;
  }
  set blocked(form: Blocked) {
    this.#blocked = form;
  }
  /** The same value for several readers: with a bias for one of them, the convolution would be done twice. */
  unbiased(): Value {
    return this.biased === undefined ? this : new Value(this, () => this.name(), { blocked: this.#blocked });
  }
  /** The same value for a graph inside this one: a form that is first written there has no name out here. */
  within(): Value {
    return new Value(this, () => this.name(), {
      blocked: this.#blocked,
      ...(this.matrixOf && { matrixOf: this.matrixOf.within() }),
    });
  }
}
