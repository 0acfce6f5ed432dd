import { describe, expect, it } from 'vitest';
import { grad } from './grad.ts';
import { callProgram } from './inline.ts';
import { mul } from './ops/arithmetic.ts';
import { concat, split } from './ops/join.ts';
import { tanh } from './ops/math.ts';
import { matmul } from './ops/matmul.ts';
import { sum } from './ops/reduce.ts';
import * as random from './random.ts';
import { named } from './scope.ts';
import { parseProgram, serializeProgram } from './serialize.ts';
import type { Tensor } from './tensor.ts';
import { f64, i32, numbers, run } from './testing.ts';
import { trace } from './trace.ts';
import { vmap } from './vmap.ts';

const aval = (...shape: number[]) => ({ dtype: 'float64', shape }) as const;
/** Several outputs, a layer's name, and an output that is an input. */
const layer = (x: Tensor, w: Tensor): Tensor[] => [
  ...split(
    named('fc', () => tanh(matmul(x, w))),
    [1, 2],
    1,
  ),
  w,
];
const { program } = trace(layer, aval(2, 4), aval(4, 3));
const copy = parseProgram(serializeProgram(program));
const again = (x: Tensor, w: Tensor): Tensor[] => callProgram(copy, [x, w]);

describe('callProgram', () => {
  it('adds the operations of the program, with their layers', () => {
    expect(trace(again, aval(2, 4), aval(4, 3)).program.nodes).toEqual(program.nodes);
    const inside = trace((x: Tensor, w: Tensor) => named('net', () => again(x, w)), aval(2, 4), aval(4, 3));
    expect(inside.program.nodes.map(({ scope }) => scope)).toEqual(['net.fc', 'net.fc', 'net']);
  });

  it('differentiates and vectorises as the function does', () => {
    const loss = (f: typeof layer) => (w: Tensor, x: Tensor) => sum(mul(concat(f(x, w).slice(0, 2), 1), 3));
    const slopes = (f: typeof layer) => (w: Tensor, xs: Tensor) => vmap(grad(loss(f)), { in: [null, 0] })(w, xs);
    const arrays = [numbers([4, 3]), numbers([5, 2, 4], 2)] as const;
    const found = run(slopes(again), ...arrays);
    expect(found).toEqual(run(slopes(layer), ...arrays));
    expect(Math.max(...found[0]!)).toBeGreaterThan(0);
  });

  it('draws the same random numbers', () => {
    const draw = (seed: Tensor) => random.normal(random.foldIn(random.key(3), seed), [6]);
    const drawn = trace(draw, { dtype: 'int32', shape: [] }).program;
    const seed = i32(7, []);
    expect(run((s) => callProgram(drawn, [s]), seed)).toEqual(run(draw, seed));
  });

  it('says what does not fit', () => {
    expect(() => run((x) => callProgram(program, [x]), numbers([2, 4]))).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: callProgram: expected 2 inputs, got 1]`,
    );
    expect(() => run(again, numbers([3, 4]), numbers([4, 3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: callProgram: expected [2, 4] for input arg0, got [3, 4]]`,
    );
    expect(() => run(again, i32([[1]]), f64([[1]]))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: callProgram: expected float64 for input arg0, got int32]`,
    );
  });
});
