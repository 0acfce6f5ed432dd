import type { Aval, DType, Shape } from '../tensor/index.ts';

/**
 * How the elements of a value are ordered: row-major, or with channels in blocks that fill a vector register
 * ([N, C / block, H, W, block], the NCHWc of ONNX Runtime).
 */
export type Layout = 'plain' | 'blocked';

/** A name in the graph, or how to write the nodes that make one. */
type Form = string | (() => string);

/**
 * A value of a program on its way into an ONNX graph. It may be on hand in several layouts; nodes that only rearrange
 * it are written when first asked for, so what nobody needs is never written.
 */
export class Value implements Aval {
  readonly dtype: DType;
  readonly shape: Shape;
  /** The value whose last two axes, swapped, give this one: products take that instead. */
  readonly matrixOf: Value | undefined;
  readonly #forms: Map<Layout, Form>;
  constructor(
    { dtype, shape }: Aval,
    forms: { readonly [L in Layout]?: Form },
    { matrixOf }: { readonly matrixOf?: Value } = {},
  ) {
    this.dtype = dtype;
    this.shape = shape;
    this.matrixOf = matrixOf;
    this.#forms = new Map(Object.entries(forms) as [Layout, Form][]);
  }
  /** Whether it can be had in a layout without a conversion between layouts. */
  has(layout: Layout): boolean {
    return this.#forms.has(layout);
  }
  /** Adds a layout to those that can be had. */
  add(layout: Layout, form: Form): void {
    if (!this.#forms.has(layout)) this.#forms.set(layout, form);
  }
  /** Its name in the graph in a layout that it {@link has}. */
  name(layout: Layout = 'plain'): string {
    const form = this.#forms.get(layout)!;
    const name = typeof form === 'string' ? form : form();
    this.#forms.set(layout, name);
    return name;
  }
  /** Notes that the row-major form goes by another name now. */
  rename(name: string): void {
    this.#forms.set('plain', name);
  }
}
