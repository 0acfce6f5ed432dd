import { isFloat } from './dtype.ts';
import { ArgumentError, DTypeError, ShapeError } from './errors.ts';
import { broadcastTo } from './ops/broadcast.ts';
import { identity } from './ops/cast.ts';
import { addMaybe } from './ops/compare.ts';
import { inScope } from './scope.ts';
import { showShape } from './shape.ts';
import { type Node, scalarLike, Tensor } from './tensor.ts';
import { ancestors } from './trace.ts';
import * as tree from './tree.ts';

/**
 * Gradients of outputs for some of the tensors that they were computed from, by reverse accumulation. Each of `wrt` is
 * taken as independent: where one was computed from another, nothing flows on to the other, unless `through` is true.
 * @param outputs tensors to differentiate
 * @param cotangents one for each output, of its shape
 * @param wrt tensors to differentiate for
 * @param through when true, gradients of intermediate tensors flow on to those that they were computed from: the
 * gradient at every layer of a network, in one pass
 * @returns one gradient for each of `wrt`, undefined where the outputs do not depend on it
 * @example
 * const x = constant([1, 2]);
 * const [dx] = pullback([mul(x, x)], [constant([1, 10])], [x]); // [2, 40]
 */
export function pullback(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: readonly Tensor[],
  { through = false }: { readonly through?: boolean } = {},
): (Tensor | undefined)[] {
  const first = wrt.reduce((least, t) => Math.min(least, t.node.id), Number.POSITIVE_INFINITY);
  const nodes = ancestors(outputs, first);
  const sources = new Set(wrt.map((t) => t.node));
  const depends = new Set<Node>(sources);
  for (const node of nodes) if (node.inputs.some((input) => depends.has(input.node))) depends.add(node);

  const sums = new Map<Node, (Tensor | undefined)[]>();
  const give = (t: Tensor, cotangent: Tensor | undefined): void => {
    if (cotangent === undefined || !isFloat(t.dtype) || !depends.has(t.node)) return;
    const slots = sums.get(t.node) ?? t.node.outputs.map(() => undefined);
    slots[t.index] = addMaybe(slots[t.index], cotangent);
    sums.set(t.node, slots);
  };
  outputs.forEach((output, i) => {
    give(output, cotangents[i]);
  });
  for (const node of nodes.reverse()) {
    const slots = sums.get(node);
    if (slots === undefined || !depends.has(node) || node.inputs.length === 0) continue;
    if (!through && sources.has(node)) continue;
    inScope(node.scope === '' ? 'grad' : `grad ${node.scope}`, () => {
      const wanted = node.inputs.map((input) => depends.has(input.node) && isFloat(input.dtype));
      const own = node.op.vjp({
        inputs: node.inputs,
        outputs: node.outputs.map((_, i) => new Tensor(node, i)),
        cotangents: slots,
        attrs: node.attrs,
        wanted,
      });
      node.inputs.forEach((input, i) => {
        if (wanted[i]) give(input, own[i]);
      });
    });
  }
  return wrt.map((t) => sums.get(t.node)?.[t.index]);
}

function checkScalar(value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor))
    throw new ArgumentError(`grad: expected a function that gives a scalar tensor, got ${typeof value}`);
  if (value.rank !== 0)
    throw new ShapeError(`grad: expected a function that gives a scalar, got shape ${showShape(value.shape)}`);
  if (!isFloat(value.dtype)) throw new DTypeError(`grad: expected a function that gives a float, got ${value.dtype}`);
}

/** A function of one tree and any other arguments. */
type Differentiable<P, A extends readonly unknown[], R> = (params: P, ...args: A) => R;

/**
 * The value of a scalar function together with its gradient for the first argument, a tree of float tensors.
 * @param f gives a scalar; with `aux: true`, a pair of a scalar and any tree, which is passed through
 * @returns a function that gives `[value, gradient]`; the gradient has the form of the first argument
 * @throws ShapeError when the value is no scalar, DTypeError when the argument or the value holds no floats
 * @example
 * const [value, gradient] = valueAndGrad((p: { x: Tensor }) => mul(p.x, p.x))({ x: constant(3) });
 */
export function valueAndGrad<P, A extends readonly unknown[], R extends readonly [Tensor, unknown]>(
  f: Differentiable<P, A, R>,
  options: { readonly aux: true },
): Differentiable<P, A, [R, P]>;
export function valueAndGrad<P, A extends readonly unknown[]>(
  f: Differentiable<P, A, Tensor>,
): Differentiable<P, A, [Tensor, P]>;
export function valueAndGrad<P, A extends readonly unknown[]>(
  f: Differentiable<P, A, Tensor | readonly [Tensor, unknown]>,
  { aux = false } = {},
) {
  return (params: P, ...args: A): [unknown, P] => {
    const own = tree.map((t: Tensor) => {
      if (!isFloat(t.dtype)) throw new DTypeError(`grad: expected float tensors to differentiate for, got ${t.dtype}`);
      return identity(t);
    }, params);
    const wrt = tree.leaves<Tensor>(own);
    if (wrt.length === 0) throw new ArgumentError('grad: expected at least one tensor to differentiate for, got none');
    const result = f(own as P, ...args);
    const value: unknown = aux ? (result as readonly [Tensor, unknown])[0] : result;
    checkScalar(value);
    const gradients = pullback([value], [scalarLike(1, value)], wrt);
    const filled = wrt.map((t, i) => gradients[i] ?? broadcastTo(scalarLike(0, t), t.shape));
    return [result, tree.unflatten(params, filled) as P];
  };
}

/**
 * The gradient of a scalar function for its first argument, a tree of float tensors. It can be taken again.
 * @throws ShapeError when the function gives no scalar
 * @example
 * const slope = grad((x: Tensor) => mul(x, x))(constant(3));     // 6
 * const curve = grad(grad((x: Tensor) => mul(x, x)))(constant(3)); // 2
 */
export const grad =
  <P, A extends readonly unknown[]>(f: Differentiable<P, A, Tensor>): Differentiable<P, A, P> =>
  (params, ...args) =>
    valueAndGrad(f)(params, ...args)[1];
