import { expect, it } from 'vitest';
import { ndarray } from './array.ts';
import { valueAndGrad } from './grad.ts';
import { add } from './ops/arithmetic.ts';
import { conv } from './ops/conv.ts';
import { split } from './ops/join.ts';
import { tanh } from './ops/math.ts';
import { matmul } from './ops/matmul.ts';
import { mean } from './ops/reduce.ts';
import { showProgram } from './print.ts';
import { named } from './scope.ts';
import { constant, type Tensor } from './tensor.ts';
import { trace } from './trace.ts';

const aval = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;

it('prints a layer and its gradient', () => {
  const layer = (p: { w: Tensor; b: Tensor }, x: Tensor) => mean(named('head', () => tanh(add(matmul(x, p.w), p.b))));
  const { program } = trace(valueAndGrad(layer), { w: aval(3, 2), b: aval(2) }, aval(4, 3));
  expect(showProgram(program)).toMatchInlineSnapshot(`
    "program(%0 w: float32[3, 2], %1 b: float32[2], %2 arg1: float32[4, 3])
      %3: float32[4, 2] = matmul %2 %0  # head
      %4: float32[4, 2] = add %3 %1  # head
      %5: float32[4, 2] = tanh %4  # head
      %6: float32[] = reduceSum %5 axes=[0, 1] keepDims=false
      %7: float32[] = constant value=0.125
      %8: float32[] = mul %6 %7
      %9: float32[] = constant value=1
      %10: float32[] = mul %9 %7  # grad
      %11: float32[1, 1] = reshape %10 shape=[1, 1]  # grad
      %12: float32[4, 2] = broadcastTo %11 shape=[4, 2]  # grad
      %13: float32[4, 2] = mul %5 %5  # grad head
      %14: float32[] = constant value=1  # grad head
      %15: float32[4, 2] = sub %14 %13  # grad head
      %16: float32[4, 2] = mul %12 %15  # grad head
      %17: float32[2] = reduceSum %16 axes=[0] keepDims=false  # grad head
      %18: float32[3, 4] = transpose %2 perm=[1, 0]  # grad head
      %19: float32[3, 2] = matmul %18 %16  # grad head
      return %8 0, %19 1.w, %17 1.b"
  `);
});

it('prints options, constants and several outputs', () => {
  const { program } = trace(
    (x: Tensor, w: Tensor) => {
      const y = conv(x, w, { padding: [[1, 1]] });
      return [...split(y, [1, 3], 1), constant(ndarray([true, false])), constant([1, 2, 3, 4, 5]), constant(1 / 3)];
    },
    aval(1, 2, 8),
    aval(4, 2, 3),
  );
  expect(showProgram(program)).toMatchInlineSnapshot(`
    "program(%0 arg0: float32[1, 2, 8], %1 arg1: float32[4, 2, 3])
      %2: float32[1, 4, 8] = conv %0 %1 strides=[1] padding=[[1, 1]] dilation=[1] groups=1
      %3: float32[1, 1, 8], %4: float32[1, 3, 8] = split %2 axis=1 sizes=[1, 3]
      %5: bool[2] = constant value=[1, 0]
      %6: float32[5] = constant value=[1, 2, 3, 4, ...]
      %7: float32[] = constant value=0.333333
      return %3 0, %4 1, %5 2, %6 3, %7 4"
  `);
});
