import { expect, it } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { grad } from './grad.ts';
import { add, mul } from './ops/arithmetic.ts';
import { identity } from './ops/cast.ts';
import { sum } from './ops/reduce.ts';
import { named } from './scope.ts';
import { constant, placeholder, type Tensor } from './tensor.ts';
import { f64 } from './testing.ts';
import { trace } from './trace.ts';

const vector = { dtype: 'float64', shape: [2] } as const;

it('records a function of trees as data', () => {
  const { program, output } = trace(
    (p: { w: Tensor; b: Tensor }, x: Tensor) => ({ y: add(mul(p.w, x), p.b), again: [p.w] }),
    { w: vector, b: vector },
    vector,
  );
  expect(program.inputs.map(({ name }) => name)).toEqual(['w', 'b', 'arg1']);
  expect(program.outputs.map(({ name }) => name)).toEqual(['y', 'again.0']);
  expect(program.nodes.map(({ op }) => op)).toEqual(['mul', 'add']);
  expect(output).toEqual({ y: vector, again: [vector] });
  expect(JSON.parse(JSON.stringify(program))).toEqual(program);
  const results = evaluate(program, [f64([1, 2]), f64([10, 20]), f64([3, 4])]);
  expect(results.map(({ data }) => Array.from(data))).toEqual([
    [13, 28],
    [1, 2],
  ]);
});

it('names inputs apart when two arguments have the same paths', () => {
  const { program } = trace((p: { w: Tensor }, g: { w: Tensor }) => add(p.w, g.w), { w: vector }, { w: vector });
  expect(program.inputs.map(({ name }) => name)).toEqual(['w', 'arg1.w']);
});

it('leaves out what no result needs, and names for values', () => {
  const { program } = trace((x: Tensor) => {
    mul(x, 2);
    return identity(x);
  }, vector);
  expect(program.nodes).toEqual([]);
  expect(program.outputs).toEqual([{ id: 0, name: 'out0' }]);
});

it('remembers the layer of each operation, also of its gradient', () => {
  const { program } = trace(
    (x: Tensor) => grad((y: Tensor) => named('net', () => named('head', () => sum(mul(y, y)))))(x),
    vector,
  );
  expect(program.nodes.map(({ op, scope }) => `${op} ${scope}`)).toEqual([
    'constant ',
    'reshape grad net.head',
    'broadcastTo grad net.head',
    'mul grad net.head',
    'mul grad net.head',
    'add grad net.head',
  ]);
});

it('takes float64 all the way when its inputs are', () => {
  const { program } = trace((x: Tensor) => grad((y: Tensor) => sum(mul(add(y, 0.1), y)))(x), vector);
  expect(new Set(program.nodes.flatMap(({ outputs }) => outputs.map(({ dtype }) => dtype)))).toEqual(
    new Set(['float64']),
  );
});

it('refuses what it cannot record', () => {
  const foreign = placeholder(vector);
  expect(() => trace((x: Tensor) => add(x, foreign), vector)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: trace: expected tensors made inside the function or passed to it, got one of another trace]`,
  );
  expect(() => trace(() => 3, vector)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: trace: expected tensors as results, got number]`,
  );
  expect(() => trace((x: Tensor) => x, 3)).toThrowErrorMatchingInlineSnapshot(
    `[ArgumentError: trace: expected trees of { dtype, shape } as arguments, got 3]`,
  );
  expect(() => trace((x: Tensor) => x, { dtype: 'float32', shape: [2, -1] })).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: input: expected a shape of whole sizes, none negative, got [2, -1]]`,
  );
  expect(() =>
    trace(() => named('a', () => named('b', () => add(constant([1, 2]), constant([1, 2, 3]))))),
  ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: add "a.b": expected shapes that broadcast, got [2] and [3]]`);
});
