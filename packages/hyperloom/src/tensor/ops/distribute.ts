import { sameShape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { add, mul } from './arithmetic.ts';
import { reshape } from './broadcast.ts';

/*
 * Rows times matrices that are made of smaller things, such as a matrix for each example of a batch. The laws of
 * association and distribution do without the matrices:
 *
 *   x (A B) = (x A) B
 *   x (sum_k alpha_k V_k) = sum_k (alpha_k x) V_k    one product, of rows of K m elements
 *   x (P s) = (x P) s                                s scales columns
 *   x (P + Q) = x P + x Q
 *
 * What is cheaper is counted. Matrices of examples are large, so that writing and reading them counts too.
 */

/** Matrix multiplication, which is handed in because its own file imports this one. */
type Times = (a: Tensor, b: Tensor) => Tensor;

/** Sizes of the product: [batch, rows, m] by [batch, m, n]. */
interface Sizes {
  readonly batch: number;
  readonly rows: number;
  readonly m: number;
  readonly n: number;
}

/** How to multiply without the matrices: what that costs, what making them would, and the product itself. */
interface Way {
  readonly cost: number;
  readonly making: number;
  product(x: Tensor, times: Times): Tensor;
}

/** Multiply-adds that take as long as writing an element and reading it, forwards and backwards. Measured: 10 to 20. */
const memory = 16;

/**
 * The product of x, [batch or 1, rows, m], with w, [batch, m, n] or one matrix [m, n], where it is cheaper without w;
 * undefined where it is not, or w is made of nothing smaller.
 */
export function distributed(x: Tensor, w: Tensor, times: Times): Tensor | undefined {
  const [m, n] = w.shape.slice(-2) as [number, number];
  const sizes = { batch: w.rank === 3 ? w.shape[0]! : 1, rows: x.shape[1]!, m, n };
  const way = wayBy(w, sizes);
  if (way === undefined || way.cost >= way.making + sizes.batch * sizes.rows * m * n) return undefined;
  return way.product(x, times);
}

/** The way by a tensor whose elements are those of the matrices, in row-major order. */
function wayBy(w: Tensor, sizes: Sizes): Way | undefined {
  const { name } = w.node.op;
  if (name === 'reshape') return wayBy(w.node.inputs[0]!, sizes);
  if (name === 'matmul') return byFactors(w, sizes) ?? byMixture(w, sizes);
  if (name === 'mul') return byScale(w, sizes);
  return name === 'add' ? byTerms(w, sizes) : undefined;
}

/** The way by a part p of w: all of its matrices, or one that is the same in each. */
function byPart(p: Tensor, w: Tensor, sizes: Sizes): Way | undefined {
  const { batch, rows, m, n } = sizes;
  const padded = [...new Array<number>(w.rank - p.rank).fill(1), ...p.shape];
  const isOne = sizeOf(p.shape) === m * n && (batch === 1 || sameShape(padded, w.shape.with(0, 1)));
  const one: Way | undefined = isOne
    ? { cost: batch * rows * m * n, making: 0, product: (x, times) => times(x, reshape(p, [m, n])) }
    : undefined;
  return (sameShape(p.shape, w.shape) ? wayBy(p, sizes) : undefined) ?? one;
}

function byTerms(w: Tensor, sizes: Sizes): Way | undefined {
  const [p, q] = w.node.inputs.map((input) => byPart(input, w, sizes));
  if (p === undefined || q === undefined) return undefined;
  return {
    cost: p.cost + q.cost,
    making: p.making + q.making,
    product: (x, times) => add(p.product(x, times), q.product(x, times)),
  };
}

function byScale(w: Tensor, sizes: Sizes): Way | undefined {
  const { batch, rows, m, n } = sizes;
  const isNumber = ({ shape }: Tensor): boolean => sizeOf(shape) === 1;
  const isRow = ({ shape }: Tensor): boolean =>
    sameShape(w.shape, [batch, m, n]) && m > 1 && sameShape(shape, [batch, 1, n]);
  const [a, b] = w.node.inputs as [Tensor, Tensor];
  const [p, s] = isNumber(b) || isRow(b) ? [a, b] : [b, a];
  const way = isNumber(s) || isRow(s) ? byPart(p, w, sizes) : undefined;
  if (way === undefined) return undefined;
  return {
    cost: way.cost + memory * batch * rows * n,
    making: way.making + memory * batch * m * n,
    product: (x, times) => mul(way.product(x, times), isRow(s) ? s : reshape(s, [])),
  };
}

function byFactors(w: Tensor, { batch, rows, m, n }: Sizes): Way | undefined {
  const [a, b] = w.node.inputs as [Tensor, Tensor];
  const inner = a.shape.at(-1)!;
  // Both for each example, or the second for all, under which the rows of all examples are one matrix.
  const isOwn = sizeOf(a.shape) === batch * m * inner && w.shape.at(-1) === n;
  if (!isOwn || !(b.rank === 2 || sameShape(b.shape, [batch, inner, n]))) return undefined;
  const first = reshape(a, w.rank === 2 && batch === 1 ? [m, inner] : [batch, m, inner]);
  return {
    cost: batch * rows * inner * (m + n + memory),
    making: batch * m * n * (inner + memory),
    product: (x, times) => times(distributed(x, first, times) ?? times(x, first), b),
  };
}

function byMixture(w: Tensor, { batch, rows, m, n }: Sizes): Way | undefined {
  const [alpha, v] = w.node.inputs as [Tensor, Tensor];
  const [count, size] = v.shape as [number, number];
  if (v.rank !== 2 || size !== m * n || sizeOf(alpha.shape) !== batch * count) return undefined;
  return {
    cost: batch * rows * count * m * (n + memory),
    making: batch * m * n * (count + memory),
    product: (x, times) => {
      const own = reshape(x, [x.shape[0]!, rows, 1, m]);
      const weighted = mul(own, reshape(alpha, [batch, 1, count, 1]));
      const y = times(reshape(weighted, [batch * rows, count * m]), reshape(v, [count * m, n]));
      return reshape(y, [batch, rows, n]);
    },
  };
}
