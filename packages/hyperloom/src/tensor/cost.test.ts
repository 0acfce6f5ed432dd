import { expect, test } from 'vitest';
import * as nn from '../nn/index.ts';
import {
  add,
  broadcastTo,
  conv,
  grad,
  matmul,
  programCost,
  relu,
  reshape,
  type Shape,
  slice,
  sum,
  type Tensor,
  trace,
  tree,
  vmap,
} from './index.ts';

const f32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
const cost = (f: (...xs: Tensor[]) => unknown, ...shapes: Shape[]) =>
  programCost(trace(f as (...xs: never[]) => unknown, ...shapes.map((shape) => f32(...shape))).program);

test('a matrix product takes m k n multiply-adds', () => {
  expect(cost(matmul, [2, 3], [3, 4])).toEqual({
    multiplyAdds: 24,
    elements: 0,
    nodes: 1,
    bytes: { inputs: 4 * (6 + 12), outputs: 32, constants: 0, intermediates: 0 },
  });
  expect(cost(matmul, [5, 2, 3], [1, 3, 4]).multiplyAdds).toBe(5 * 24);
});

test('elementwise operations and reductions are counted apart, views not at all', () => {
  const affine = (x: Tensor, w: Tensor, b: Tensor) => relu(add(matmul(x, w), broadcastTo(b, [2, 4])));
  expect(cost(affine, [2, 3], [3, 4], [4])).toEqual({
    multiplyAdds: 24,
    elements: 8 + 8,
    nodes: 4,
    bytes: { inputs: 4 * (6 + 12 + 4), outputs: 32, constants: 0, intermediates: 2 * 32 },
  });
  expect(cost((x) => sum(x), [10, 10]).elements).toBe(100);
  expect(cost((x) => slice(x, [[0, 2]]), [10, 10]).elements).toBe(20);
  expect(cost((x) => reshape(x, [100]), [10, 10]).elements).toBe(0);
});

test('a grouped convolution and its gradients take the same', () => {
  const grouped = (x: Tensor, w: Tensor) =>
    conv(x, w, {
      groups: 2,
      strides: [2, 2],
      padding: [
        [1, 1],
        [1, 1],
      ],
    });
  // 2 images, 6 channels of 4 x 4 outputs, each of 2 channels times 3 x 3.
  const forward = 2 * 6 * 4 * 4 * 2 * 9;
  expect(cost(grouped, [2, 4, 8, 8], [6, 2, 3, 3]).multiplyAdds).toBe(forward);
  const gradients = (x: Tensor, w: Tensor) =>
    grad((both: { x: Tensor; w: Tensor }) => sum(grouped(both.x, both.w)))({ x, w });
  expect(cost(gradients, [2, 4, 8, 8], [6, 2, 3, 3]).multiplyAdds).toBe(2 * forward);
});

test('a batch costs as often as it is computed: kernels for each example, or shared ones', () => {
  const each = vmap((x: Tensor, w: Tensor) => conv(reshape(x, [1, 4, 8, 8]), w));
  expect(cost(each, [3, 4, 8, 8], [3, 6, 4, 3, 3]).multiplyAdds).toBe(3 * 6 * 36 * 4 * 9);
  const layer = (x: Tensor, c: Tensor, h: Tensor) =>
    matmul(reshape(x, [1, 5]), reshape(matmul(reshape(c, [1, 2]), h), [5, 7]));
  const own = cost(vmap(layer, { in: [0, 0, null] }), [16, 5], [16, 2], [2, 35]);
  const shared = cost(vmap(layer, { in: [0, null, null] }), [16, 5], [2], [2, 35]);
  // A row times a mixture of two matrices is two products.
  expect(own.multiplyAdds).toBe(16 * 2 * 35);
  expect(shared.multiplyAdds).toBe(70 + 16 * 35);
});

test('a whole network is the sum of its layers', () => {
  const net = nn.mlp({ in: 3, hidden: [5], out: 2 });
  const { program } = trace((params: nn.ParamsOf<typeof net>, x: Tensor) => net.apply(params, x), net.spec, f32(7, 3));
  const { multiplyAdds, bytes } = programCost(program);
  expect(multiplyAdds).toBe(7 * (3 * 5 + 5 * 2));
  expect(bytes.inputs).toBe(4 * (nn.countParams(net.spec) + 21));
  expect(tree.leaves(net.spec)).toHaveLength(4);
});
