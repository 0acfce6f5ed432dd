import type { Aval } from '../shape.ts';

/** A part of an axis: axes that carry the same label count over the same things, element for element. */
export interface Factor {
  readonly label: string;
  readonly size: number;
}

/**
 * An axis as the row-major product of its factors, outermost first. Undefined is an axis whose elements belong together
 * (places of an image, what is normalised): all of them stay. A label stands for one thing within one operation.
 */
export type FactoredAxis = readonly Factor[] | undefined;

/**
 * Which axes of an operation's inputs and outputs count over the same things. Without the element i of a label, all
 * other elements of the outputs are what they were, with two conditions: the operation sums over a label that no output
 * has, so that only an element that adds 0 may go; and a label that an output has alone is made by repetition.
 */
export interface AxisRule {
  readonly inputs: readonly (readonly FactoredAxis[])[];
  readonly outputs: readonly (readonly FactoredAxis[])[];
  /** False where zeros in all inputs do not make zeros of the outputs. */
  readonly keepsZeros?: false;
}

/** Factors without those of size 1, of which none can go. */
export const factors = (...list: readonly (readonly [label: string, size: number])[]): FactoredAxis =>
  list.filter(([, size]) => size !== 1).map(([label, size]) => ({ label, size }));

/** One label for each axis of a value; undefined for an axis that stays as it is. */
export const labelled = ({ shape }: Aval, labels: readonly (string | undefined)[]): readonly FactoredAxis[] =>
  shape.map((size, i) => {
    const label = labels[i];
    return label === undefined && size !== 1 ? undefined : factors([label ?? '', size]);
  });

/** Labels counted from the last axis backwards, as broadcasting pairs them; `shift` leaves that many axes out. */
export const fromTheBack = ({ shape }: Aval, shift = 0): string[] =>
  shape.slice(0, shape.length - shift).map((_, i) => `${shape.length - shift - i}`);

/** The rule of operations whose inputs broadcast against each other, axis by axis. */
export const broadcastAxes = (inputs: readonly Aval[], outputs: readonly Aval[]): AxisRule => {
  const axes = (x: Aval) => labelled(x, fromTheBack(x));
  return { inputs: inputs.map(axes), outputs: outputs.map(axes) };
};

/** The rule of operations that leave all axes alone but those that `fixed` names; these are counted from the front. */
export const alongOthers = (
  inputs: readonly Aval[],
  outputs: readonly Aval[],
  fixed: (axis: number) => boolean,
): AxisRule => {
  const axes = (x: Aval) =>
    labelled(
      x,
      x.shape.map((_, i) => (fixed(i) ? undefined : `${i}`)),
    );
  return { inputs: inputs.map(axes), outputs: outputs.map(axes) };
};

/** The rule of a reduction: `summed` says whether its axes are added up, or their elements depend on each other. */
export function reductionAxes(
  [x]: readonly Aval[],
  { axes, keepDims }: { readonly axes: readonly number[]; readonly keepDims: boolean },
  summed: boolean,
): AxisRule {
  const input = labelled(
    x!,
    x!.shape.map((_, i) => (axes.includes(i) && !summed ? undefined : `${i}`)),
  );
  const output = keepDims
    ? input.map((axis, i) => (axes.includes(i) ? [] : axis))
    : input.filter((_, i) => !axes.includes(i));
  return { inputs: [input], outputs: [output] };
}

/** The rule of a reshape: axes are cut into their common factors. Where sizes do not divide, the rest stays whole. */
export function reshapeAxes(from: Aval, to: Aval): AxisRule {
  const sides = [from, to].map(({ shape }) => ({
    shape,
    axes: shape.map((): Factor[] => []),
    at: 0,
    left: shape[0] ?? 1,
  }));
  const [a, b] = sides as [(typeof sides)[0], (typeof sides)[0]];
  const advance = (side: typeof a) => {
    while (side.left === 1 && side.at < side.shape.length) side.left = side.shape[++side.at] ?? 1;
    return side.at < side.shape.length;
  };
  let next = 0;
  while (advance(a) && advance(b)) {
    const size = Math.min(a.left, b.left);
    if (size === 0 || a.left % size !== 0 || b.left % size !== 0) break;
    for (const side of sides) {
      side.axes[side.at]!.push({ label: `${next}`, size });
      side.left /= size;
    }
    next++;
  }
  const done = ({ shape, axes }: typeof a): FactoredAxis[] =>
    axes.map((own, i) => (own.reduce((n, { size }) => n * size, 1) === shape[i] ? own : undefined));
  // A label whose other side was left whole would be new there; it stays whole on both.
  const [inputs, outputs] = [done(a), done(b)];
  const kept = [inputs, outputs].map((list) => new Set(list.flatMap((axis) => axis?.map(({ label }) => label) ?? [])));
  const both = (list: readonly FactoredAxis[]) =>
    list.map((axis) => (axis?.every(({ label }) => kept.every((labels) => labels.has(label))) ? axis : undefined));
  return { inputs: [both(inputs)], outputs: [both(outputs)] };
}
