import type { Role, WeightSpec } from '../../nn/index.ts';
import { type Shape, sizeOf } from '../../tensor/index.ts';

/** What an axis of a weight stands for. */
export type AxisName = 'output' | 'input' | 'row' | 'column';

/** An axis of a weight. */
export interface Axis {
  readonly name: AxisName;
  readonly size: number;
}

/** The axes of [out, in, ...kernel], of a matrix [in, out], or of anything shorter, which has outputs alone. */
export function axesOf(shape: Shape): readonly Axis[] {
  if (shape.length < 2) return [{ name: 'output', size: sizeOf(shape) }];
  const [first, second, row = 1, ...columns] = shape as [number, number, ...number[]];
  if (shape.length === 2) {
    return [
      { name: 'input', size: first },
      { name: 'output', size: second },
    ];
  }
  return [
    { name: 'output', size: first },
    { name: 'input', size: second },
    { name: 'row', size: row },
    { name: 'column', size: sizeOf(columns) },
  ];
}

const roles: readonly Role[] = ['kernel', 'bias', 'scale', 'shift', 'embedding', 'code', 'statistic'];

/** Number of elements of {@link specFeatures}. */
export const specFeatureCount = roles.length + 3;

/**
 * What a network may know of a weight from its spec: its role (a gate's is that of a scale), and logarithms of its fans
 * and its kernel's places.
 */
export const specFeatures = ({ role, fanIn, fanOut, shape }: WeightSpec): number[] => [
  ...roles.map((r) => Number(r === (role === 'gate' ? 'scale' : role))),
  Math.log2(fanIn) / 8,
  Math.log2(fanOut) / 8,
  Math.log2(sizeOf(shape.slice(2))) / 4,
];

/** Irrational, so that the waves of no axis fall on one another, whatever its length. */
const step = (1 + Math.sqrt(5)) / 2;

/** Sines and cosines of the middle of place i of n, at frequencies from half a turn an axis upwards by the golden ratio. */
export function fourier(i: number, n: number, frequencies: number): number[] {
  const angles = Array.from({ length: frequencies }, (_, k) => (Math.PI * step ** k * (i + 0.5)) / n);
  return [...angles.map(Math.sin), ...angles.map(Math.cos)];
}

/**
 * Sines and cosines of a whole number, at frequencies from 2.5 radians a step downwards by the golden ratio: the same
 * for a place whatever the length of its axis, so that what is learned at one size of target holds at another.
 */
export function waves(i: number, frequencies: number): number[] {
  const angles = Array.from({ length: frequencies }, (_, k) => (2.5 * i) / step ** k);
  return [...angles.map(Math.sin), ...angles.map(Math.cos)];
}
