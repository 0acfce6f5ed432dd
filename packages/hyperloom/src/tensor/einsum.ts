import { ArgumentError, ShapeError } from './errors.ts';
import { reshape } from './ops/broadcast.ts';
import { matmul } from './ops/matmul.ts';
import { sum } from './ops/reduce.ts';
import { transpose } from './ops/transpose.ts';
import { showShape, sizeOf } from './shape.ts';
import type { Tensor } from './tensor.ts';

interface Term {
  readonly tensor: Tensor;
  readonly axes: string;
}

/**
 * Sum of products over named axes, such as `einsum('bi,ij->bj', x, w)`. Each pair is one (batched) matmul.
 * @throws ArgumentError for a malformed equation or an axis repeated within one term, ShapeError when sizes differ
 * @example
 * const y = einsum('i,ij->j', constant([1, 2]), constant(ndarray([[1, 0], [0, 1]])));
 */
export function einsum(equation: string, ...tensors: readonly Tensor[]): Tensor {
  const match = /^([a-z]*(?:,[a-z]*)*)->([a-z]*)$/i.exec(equation.replaceAll(' ', ''));
  const [, left = '', output = ''] = match ?? [];
  const inputs = left.split(',');
  if (match === null || inputs.length !== tensors.length) {
    throw new ArgumentError(
      `einsum: expected an equation such as "ij,jk->ik" with ${tensors.length} terms, got "${equation}"`,
    );
  }
  const sizes = new Map<string, number>();
  const terms = inputs.map((axes, i): Term => {
    const tensor = tensors[i]!;
    if (axes.length !== tensor.rank)
      throw new ShapeError(`einsum: expected ${axes.length} axes for "${axes}", got ${showShape(tensor.shape)}`);
    if (new Set(axes).size !== axes.length) throw new ArgumentError(`einsum: expected distinct axes in "${axes}"`);
    [...axes].forEach((axis, k) => {
      const known = sizes.get(axis);
      if (known !== undefined && known !== tensor.shape[k])
        throw new ShapeError(`einsum: expected size ${known} for axis ${axis}, got ${tensor.shape[k]}`);
      sizes.set(axis, tensor.shape[k]!);
    });
    return { tensor, axes };
  });
  if (new Set(output).size !== output.length)
    throw new ArgumentError(`einsum: expected distinct axes in the output, got "${output}"`);
  const missing = [...output].find((axis) => !sizes.has(axis));
  if (missing !== undefined)
    throw new ArgumentError(`einsum: expected output axes that occur in a term, got ${missing}`);

  const joined = terms.slice(1).reduce((left, right, i) => {
    const later =
      terms
        .slice(i + 2)
        .map((t) => t.axes)
        .join('') + output;
    return contract(left, right, later, sizes);
  }, terms[0] as Term);
  return arrange(reduceTo(joined, output), output);
}

/** Sums out the axes of a term that nothing else uses. */
function reduceTo({ tensor, axes }: Term, used: string): Term {
  const gone = [...axes].flatMap((axis, i) => (used.includes(axis) ? [] : [i]));
  return gone.length === 0
    ? { tensor, axes }
    : { tensor: sum(tensor, { axis: gone }), axes: [...axes].filter((axis) => used.includes(axis)).join('') };
}

const arrange = ({ tensor, axes }: Term, order: string): Tensor =>
  transpose(
    tensor,
    [...order].map((axis) => axes.indexOf(axis)),
  );

function contract(left: Term, right: Term, later: string, sizes: ReadonlyMap<string, number>): Term {
  const a = reduceTo(left, right.axes + later);
  const b = reduceTo(right, left.axes + later);
  const shared = [...a.axes].filter((axis) => b.axes.includes(axis));
  const stack = shared.filter((axis) => later.includes(axis)).join('');
  const inner = shared.filter((axis) => !later.includes(axis)).join('');
  const rows = [...a.axes].filter((axis) => !shared.includes(axis)).join('');
  const columns = [...b.axes].filter((axis) => !shared.includes(axis)).join('');
  const shape = (axes: string) => [...axes].map((axis) => sizes.get(axis)!);
  const size = (axes: string) => sizeOf(shape(axes));
  const product = matmul(
    reshape(arrange(a, stack + rows + inner), [...shape(stack), size(rows), size(inner)]),
    reshape(arrange(b, stack + inner + columns), [...shape(stack), size(inner), size(columns)]),
  );
  const axes = stack + rows + columns;
  return { tensor: reshape(product, shape(axes)), axes };
}
