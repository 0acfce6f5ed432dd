import { ArgumentError, ShapeError } from './errors.ts';
import { reshape } from './ops/broadcast.ts';
import { where } from './ops/compare.ts';
import { concat } from './ops/join.ts';
import { loop } from './ops/scan.ts';
import { slice } from './ops/slice.ts';
import { sameShape, showShape } from './shape.ts';
import { placeholder, Tensor } from './tensor.ts';
import * as tree from './tree.ts';

/** Settings of {@link scan}. */
export interface ScanOptions {
  /** Number of steps; that of the leading axes of `xs` when absent. */
  readonly length?: number;
  /** Goes from the last step to the first; outputs stay at the places of their steps. */
  readonly reverse?: boolean;
  /** bool [steps]: where it is false the carry stays as it is and outputs are 0. For sequences of different lengths. */
  readonly mask?: Tensor;
  /**
   * Steps from one stored carry to the next. The gradient then computes what is between again, and memory grows with
   * steps / checkpoint + checkpoint in place of steps.
   */
  readonly checkpoint?: number;
  /**
   * Keeps in the loop all that a step computes, what could stand before it or after it too: less is stored, and each step
   * gives the same bits however many there are. Default false.
   */
  readonly whole?: boolean;
}

/**
 * Applies `step` again and again: from a carry and the x of a step to the next carry and the y of the step. It is one
 * operation, whatever the number of steps. What does not depend on the carry is computed before, for all steps at once,
 * and what no carry depends on after. It differentiates, to any order, and nests with `vmap` and itself.
 * @param step a pure function; it may use any tensor from outside
 * @param carry a tree of tensors, of one form in all steps
 * @param xs a tree of tensors that share their first axis, the steps; `null` or `{}` for none, with `length`
 * @returns the last carry, and the ys, each with a leading axis of steps
 * @throws ShapeError when the xs differ in steps or a carry changes its type or shape, ArgumentError for options that do not
 * fit or a step that does not return [carry, y]
 * @example
 * const add1 = (total: Tensor, x: Tensor) => [add(total, x), add(total, x)] as const;
 * const [last, totals] = scan(add1, constant(0), constant([1, 2, 3])); // 6, [1, 3, 6]
 */
export function scan<C, X, Y>(
  step: (carry: C, x: X) => readonly [C, Y],
  carry: C,
  xs: X,
  options: ScanOptions = {},
): [C, Y] {
  const length = lengthOf(xs, options);
  for (const [path, t] of Object.entries(tree.flatten<unknown>(carry)))
    if (!(t instanceof Tensor))
      throw new ArgumentError(`scan: expected a tensor for ${carryName(path)}, got ${typeof t}`);
  const { mask, reverse = false, checkpoint = length, whole = false } = options;
  if (!Number.isInteger(checkpoint) || checkpoint < 1)
    throw new ArgumentError(`scan: expected a whole number of steps from 1 on as checkpoint, got ${checkpoint}`);
  if (mask === undefined) return inChunks(step, carry, xs, { length, reverse, size: checkpoint, recompute: whole });
  if (mask.dtype !== 'bool' || !sameShape(mask.shape, [length]))
    throw new ShapeError(`scan: expected a mask bool[${length}], got ${mask.dtype}${showShape(mask.shape)}`);
  const masked = (own: C, { x, on }: { readonly x: X; readonly on: Tensor }): readonly [C, Y] => {
    const [next, y] = stepped(step, own, x);
    return [
      tree.map((after: Tensor, before: Tensor) => where(on, after, before), next, own) as C,
      tree.map((t: Tensor) => where(on, t, 0), y) as Y,
    ];
  };
  return inChunks(masked, carry, { x: xs, on: mask }, { length, reverse, size: checkpoint, recompute: whole });
}

/** The common leading size of the xs, or the length that was asked for. */
function lengthOf(xs: unknown, { length }: ScanOptions): number {
  let found = length;
  for (const [path, x] of Object.entries(tree.flatten<Tensor>(xs))) {
    const name = path === '' ? 'xs' : `xs.${path}`;
    if (!(x instanceof Tensor)) throw new ArgumentError(`scan: expected a tensor for ${name}, got ${typeof x}`);
    found ??= x.shape[0];
    if (x.shape[0] !== found || found === undefined)
      throw new ShapeError(
        `scan: expected ${found ?? 'some'} steps along the first axis of ${name}, got ${showShape(x.shape)}`,
      );
  }
  if (found === undefined) throw new ArgumentError('scan: expected xs or a length, got neither');
  if (!Number.isInteger(found) || found < 1) throw new ArgumentError(`scan: expected at least 1 step, got ${found}`);
  return found;
}

const carryName = (path: string): string => (path === '' ? 'the carry' : `carry.${path}`);

/** What a step gives, if that is the next carry, of the same form, and a y. */
function stepped<C, X, Y>(step: (carry: C, x: X) => readonly [C, Y], carry: C, x: X): readonly [C, Y] {
  const after: unknown = step(carry, x);
  if (!Array.isArray(after) || after.length !== 2) {
    const got = Array.isArray(after) ? `${after.length} values` : after instanceof Tensor ? 'a tensor' : typeof after;
    throw new ArgumentError(`scan: expected a step to return [carry, y], got ${got}`);
  }
  checkCarry(carry, after[0]);
  return after as unknown as readonly [C, Y];
}

/** Raises unless a carry comes out of a step as it went in. */
function checkCarry(before: unknown, after: unknown): void {
  const [own, next] = [tree.flatten<Tensor>(before), tree.flatten<unknown>(after)];
  const text = (t: unknown): string => (t instanceof Tensor ? `${t.dtype}${showShape(t.shape)}` : `${t}`);
  const odd = [...Object.keys(own), ...Object.keys(next)].find((path) => text(own[path]) !== text(next[path]));
  if (odd === undefined) return;
  const say = (t: unknown): string => (t === undefined ? 'none' : text(t));
  throw new ShapeError(`scan: expected ${carryName(odd)} as ${say(own[odd])} after a step, got ${say(next[odd])}`);
}

interface Steps {
  readonly length: number;
  readonly reverse: boolean;
  /** Whether the gradient computes again what could be stored, and all stays in the loop. */
  readonly recompute?: boolean;
}

/** One loop over all steps. */
function once<C, X, Y>(
  step: (carry: C, x: X) => readonly [C, Y],
  carry: C,
  xs: X,
  { length, reverse, recompute = false }: Steps,
): [C, Y] {
  const inits = tree.leaves<Tensor>(carry);
  const all = tree.leaves<Tensor>(xs);
  const froms = inits.map((t) => placeholder(t));
  const ones = all.map(({ dtype, shape: [, ...shape] }) => placeholder({ dtype, shape }));
  const own = tree.unflatten(carry, froms) as C;
  const [next, y] = stepped(step, own, tree.unflatten(xs, ones) as X);
  const nexts = tree.flatten<Tensor>(next);
  const outputs = tree.leaves<Tensor>(y);
  const odd = outputs.find((t: unknown) => !(t instanceof Tensor));
  if (odd !== undefined) throw new ArgumentError(`scan: expected tensors as ys, got ${typeof odd}`);
  const paths = tree.paths(carry);
  const found = loop(
    {
      length,
      carries: froms.map((from, i) => ({ from, init: inits[i]!, next: nexts[paths[i]!]! })),
      given: ones.map((one, i) => ({ one, all: all[i]! })),
      outputs,
    },
    { reverse, recompute },
  );
  return [tree.unflatten(carry, found.last) as C, tree.unflatten(y, found.outputs) as Y];
}

/** A loop over loops of `size` steps each, of which only the carries between are stored; what is left over is a loop of its own. */
function inChunks<C, X, Y>(
  step: (carry: C, x: X) => readonly [C, Y],
  carry: C,
  xs: X,
  { length, reverse, size, recompute = false }: Steps & { readonly size: number },
): [C, Y] {
  if (size >= length) return once(step, carry, xs, { length, reverse, recompute });
  const chunks = Math.floor(length / size);
  const whole = chunks * size;
  const part = (start: number, end: number): X => tree.map((t: Tensor) => slice(t, [[start, end]]), xs) as X;
  const folded = tree.map((t: Tensor) => reshape(t, [chunks, size, ...t.shape.slice(1)]), part(0, whole)) as X;
  const many = (from: C): [C, Y] => {
    const [last, ys] = once((own: C, x: X) => once(step, own, x, { length: size, reverse }), from, folded, {
      length: chunks,
      reverse,
      recompute: true,
    });
    return [last, tree.map((t: Tensor) => reshape(t, [whole, ...t.shape.slice(2)]), ys) as Y];
  };
  if (whole === length) return many(carry);
  const rest = (from: C): [C, Y] => once(step, from, part(whole, length), { length: length - whole, reverse });
  const [first, second] = reverse ? [rest, many] : [many, rest];
  const [between, early] = first(carry);
  const [last, late] = second(between);
  const [front, back] = reverse ? [late, early] : [early, late];
  return [last, tree.map((a: Tensor, b: Tensor) => concat([a, b]), front, back) as Y];
}
