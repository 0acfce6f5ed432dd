import { describe, expect, test } from 'vitest';
import type { Tensor } from '../tensor.ts';
import { distance, numbers, run } from '../testing.ts';
import { trace } from '../trace.ts';
import { add } from './arithmetic.ts';
import { reshape } from './broadcast.ts';
import { matmul } from './matmul.ts';
import { sum } from './reduce.ts';
import { sumOfAll } from './sumOfAll.ts';
import { transpose, transposeMatrix } from './transpose.ts';

const a = numbers([5, 2, 3], 1);
const b = numbers([5, 3, 4], 2);
const c = numbers([5, 4, 2], 3);

/** Stacks of five, by how they are made. */
const stacks: Readonly<Record<string, (x: Tensor, y: Tensor, z: Tensor) => Tensor>> = {
  'as it is': (x) => x,
  products: (x, y) => matmul(x, y),
  'products of transposes': (x, y) => matmul(transposeMatrix(y), transposeMatrix(x)),
  'products under other shapes': (x, y) => reshape(transposeMatrix(matmul(x, y)), [5, 8]),
  'sums of products': (x, y, z) => add(matmul(x, y), transposeMatrix(z)),
  'sums of a stack and one for all': (x) => add(x, sum(x, { axis: 0 })),
  sums: (x) => sum(x, { axis: 1 }),
  'sums that keep their axes': (x) => sum(x, { axis: [1, 2], keepDims: true }),
  'sums over the axis before': (x) => sum(reshape(x, [2, 5, 3]), { axis: 0 }),
  'products of which one is of one matrix': (x, y) => matmul(sum(x, { axis: 0, keepDims: true }), y),
  'products by one matrix': (x, y) => matmul(x, sum(y, { axis: 0, keepDims: true })),
  'another axis in front': (x) => transpose(reshape(x, [2, 5, 3]), [1, 0, 2]),
};

describe('the sum of a stack is the sum of its terms', () => {
  for (const [name, make] of Object.entries(stacks))
    test(name, () => {
      const [found, expected] = run((x, y, z) => [sumOfAll(make(x, y, z)), sum(make(x, y, z), { axis: 0 })], a, b, c);
      expect(distance(found!, expected!)).toBeLessThan(1e-12);
    });
});

test('products are one product, and no term is written', () => {
  const spec = ({ dtype, shape }: typeof a) => ({ dtype, shape });
  const { program } = trace(
    (x: Tensor, y: Tensor) => sumOfAll(matmul(transposeMatrix(x), y)),
    spec(numbers([5, 3, 2])),
    spec(b),
  );
  expect(program.nodes.map(({ op, outputs }) => [op, outputs[0]!.shape])).toEqual([
    ['reshape', [15, 2]],
    ['transpose', [2, 15]],
    ['reshape', [15, 4]],
    ['matmul', [2, 4]],
  ]);
});
