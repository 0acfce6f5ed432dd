import { expect, it } from 'vitest';
import { evaluate } from '../engine/reference/index.ts';
import { ndarray } from './array.ts';
import { grad } from './grad.ts';
import { mul } from './ops/arithmetic.ts';
import { clip } from './ops/compare.ts';
import { conv } from './ops/conv.ts';
import { sum } from './ops/reduce.ts';
import { pad } from './ops/slice.ts';
import * as random from './random.ts';
import { decodeProgram, encodeProgram, parseProgram, serializeProgram } from './serialize.ts';
import { constant, type Tensor } from './tensor.ts';
import { f64, numbers } from './testing.ts';
import { trace } from './trace.ts';

const aval = (...shape: number[]) => ({ dtype: 'float64', shape }) as const;

it('gives the same program back, constants and infinities too', () => {
  const f = (x: Tensor, w: Tensor) => ({
    slope: grad((y: Tensor) =>
      sum(
        conv(
          pad(
            y,
            [
              [0, 0],
              [0, 0],
              [1, 1],
            ],
            -0,
          ),
          w,
        ),
      ),
    )(x),
    cut: clip(x, Number.NEGATIVE_INFINITY, 0.1),
    odd: constant(ndarray([Number.NaN, Number.POSITIVE_INFINITY, -0, 1e-45], undefined, 'float64')),
    bits: random.bits(random.key(7), [3]),
  });
  const { program } = trace(f, aval(1, 2, 5), aval(3, 2, 3));
  const text = serializeProgram(program);
  const copy = parseProgram(text);
  expect(copy).toEqual(program);
  expect(serializeProgram(copy)).toBe(text);
  const inputs = [numbers([1, 2, 5]), numbers([3, 2, 3])];
  expect(evaluate(copy, inputs)).toEqual(evaluate(program, inputs));
});

it('carries large constants', () => {
  const table = f64(Float64Array.from({ length: 20_000 }, (_, i) => Math.sin(i)));
  const { program } = trace(() => constant(table));
  expect(parseProgram(serializeProgram(program))).toEqual(program);
});

it('keeps constants elsewhere when asked to', () => {
  const table = numbers([100]);
  const { program } = trace((x: Tensor) => mul(x, constant(table)), aval(100));
  const kept = new Map<string, typeof table>();
  const json = encodeProgram(program, (array) => {
    kept.set('table', array);
    return 'table';
  });
  expect(JSON.stringify(json).length).toBeLessThan(500);
  expect(decodeProgram(JSON.parse(JSON.stringify(json)), (name) => kept.get(name))).toEqual(program);
  expect(() => decodeProgram(json)).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected a constant "table" beside the text, got none]`,
  );
});

it('writes one operation a line', () => {
  const { program } = trace((x: Tensor) => mul(x, 2), aval(3));
  expect(serializeProgram(program)).toMatchInlineSnapshot(`
    "{"format":"hyperloom-program","version":1,
    "inputs":[
      {"id":0,"name":"arg0","dtype":"float64","shape":[3]}
    ],"nodes":[
      {"op":"constant","inputs":[],"attrs":{"value":{"$array":{"dtype":"float64","shape":[],"data":"AAAAAAAAAEA="}}},"outputs":[{"id":1,"dtype":"float64","shape":[]}],"scope":""},
      {"op":"mul","inputs":[0,1],"attrs":{},"outputs":[{"id":2,"dtype":"float64","shape":[3]}],"scope":""}
    ],"outputs":[
      {"id":2,"name":"out0"}
    ]}
    "
  `);
});

it('refuses damaged and foreign texts', () => {
  const text = serializeProgram(trace((x: Tensor) => sum(mul(x, 2)), aval(3)).program);
  const broken = (from: string, to: string) => () => parseProgram(text.replace(from, to));
  expect(() => parseProgram('nonsense')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected JSON, got other text]`,
  );
  expect(() => parseProgram(text.slice(0, -9))).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected JSON, got other text]`,
  );
  expect(() => parseProgram('null')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected format "hyperloom-program", got none]`,
  );
  expect(broken('"version":1', '"version":2')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected version 1, got 2]`,
  );
  expect(broken('"op":"mul"', '"op":"eval"')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected a known operation, got "eval" in operation 1]`,
  );
  expect(broken('"op":"mul"', '"op":"toString"')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected a known operation, got "toString" in operation 1]`,
  );
  expect(broken('"inputs":[0,1]', '"inputs":[0,9]')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected a value known before operation 1, got 9]`,
  );
  expect(broken('"inputs":[0,1]', '"inputs":[0]')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected inputs and options that fit mul in operation 1, got others]`,
  );
  expect(broken('"axes":[0]', '"axes":3')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected inputs and options that fit reduceSum in operation 2, got others]`,
  );
  expect(
    broken('{"id":2,"dtype":"float64","shape":[3]}', '{"id":2,"dtype":"float64","shape":[4]}'),
  ).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected float64[3] from mul in operation 1, got float64[4]]`,
  );
  expect(broken('{"id":2,', '{"id":5,')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected id 2 for operation 1, got 5]`,
  );
  expect(broken('"dtype":"float64"', '"dtype":"float16"')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected a type and a shape for an input, got {"dtype":"float16","shape":[3]}]`,
  );
  expect(broken('AAAAAAAAAEA=', 'AAAA')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected 8 bytes in a constant, got 3]`,
  );
  expect(broken('"outputs":[\n  {"id":3', '"outputs":[\n  {"id":7')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected a value known before the results, got 7]`,
  );
  expect(broken('],"nodes":[', '],"other":[')).toThrowErrorMatchingInlineSnapshot(
    `[FormatError: program: expected lists of inputs, nodes and outputs, got something else]`,
  );
});
