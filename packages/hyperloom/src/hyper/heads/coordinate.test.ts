import { describe, expect, test } from 'vitest';
import { evaluate } from '../../engine/reference/index.ts';
import * as nn from '../../nn/index.ts';
import { grad, type NdArray, ndarray, sum, type Tensor, trace, tree } from '../../tensor/index.ts';
import { hypernetwork, moments } from '../index.ts';
import { coordinate } from './coordinate.ts';

const key = ndarray(new Uint32Array([0, 7]), [2]);
const run = (f: (...args: never[]) => unknown, ...args: NdArray[]): NdArray[] =>
  evaluate(trace(f, ...args.map(({ dtype, shape }) => ({ dtype, shape }))).program, args);

const sines = (i: number, n: number, frequencies: number): number[] => {
  const angles = Array.from(
    { length: frequencies },
    (_, k) => Math.PI * ((1 + Math.sqrt(5)) / 2) ** k * ((i + 0.5) / n),
  );
  return [...angles.map(Math.sin), ...angles.map(Math.cos)];
};

describe('coordinate', () => {
  test('a weight is std times v sin(B sin(terms of code, depth, spec and place))', () => {
    const target = nn.conv2d({ in: 2, out: 3, kernel: [2, 3] });
    const model = hypernetwork(target, {
      code: 2,
      head: coordinate({ hidden: [3, 4], frequencies: 2 }),
      generate: 'weight',
    });
    const code = [0.5, -1];
    const flat = run((k: Tensor) => model.init(k), key);
    const paths = tree.paths(model.spec);
    const of = (path: string): number[] => [...flat[paths.indexOf(`head.${path}`)]!.data];
    const [weight] = run((k: Tensor, c: Tensor) => model.generate(model.init(k), c), key, ndarray(code));
    const times = (x: readonly number[], w: readonly number[]) => {
      const width = w.length / x.length;
      return Array.from({ length: width }, (_, j) => x.reduce((s, v, i) => s + v * w[i * width + j]!, 0));
    };
    const plus = (...xs: number[][]) => xs[0]!.map((_, i) => xs.reduce((s, x) => s + x[i]!, 0));
    // The only weight is at the middle of the depth; its role is kernel; its fans are 2 and 3 times 6 places.
    const spec = [1, 0, 0, 0, 0, 0, 0, Math.log2(12) / 8, Math.log2(18) / 8, Math.log2(6) / 4];
    const layer = plus(
      times([...sines(0, 1, 2), ...spec], of('first.layer')),
      of('first.bias'),
      times(code, of('first.code')),
    );
    for (const [o, i, y, x] of [
      [0, 0, 0, 0],
      [2, 1, 1, 2],
      [1, 0, 1, 1],
    ] as const) {
      const angles = plus(
        layer,
        times(sines(o, 3, 2), of('along.output')),
        times(sines(i, 2, 2), of('along.input')),
        times(sines(y, 2, 2), of('along.row')),
        times(sines(x, 3, 2), of('along.column')),
      );
      const later = plus(times(angles.map(Math.sin), of('hidden.0.weight')), of('hidden.0.bias'));
      const [value] = times(later.map(Math.sin), of('last.drawn'));
      expect(weight!.data[((o * 2 + i) * 2 + y) * 3 + x]).toBeCloseTo(value! / Math.sqrt(12), 5);
    }
  });

  test('its parameters do not grow with the target, but by an embedding for each weight when asked for', () => {
    const count = (hidden: number[], layerEmbedding: number) =>
      nn.countParams(
        hypernetwork(nn.mlp({ in: 4, hidden, out: 1 }), { code: 8, head: coordinate({ hidden: [32], layerEmbedding }) })
          .spec,
      );
    const small = count([40, 40], 0);
    expect(small).toBe((8 + 3 * 24 + 11) * 32 + 2 * 32);
    expect(count([400, 400, 400], 0)).toBe(small);
    expect(count([40, 40], 5)).toBe(small + 5 * 32 + 6 * 5);
    expect(count([400, 400, 400], 5)).toBe(small + 5 * 32 + 8 * 5);
  });

  test('each weight has its own variance, neighbours are independent, and constants start where they should', () => {
    const target = nn.sequential({
      conv: nn.conv2d({ in: 16, out: 32, kernel: 3 }),
      norm: nn.groupNorm({ channels: 32, groups: 4 }),
      flatten: nn.flatten,
      fc: nn.linear({ in: 64, out: 40 }),
    });
    const model = hypernetwork(target, { code: 4, head: coordinate({ hidden: [64] }) });
    const names = Object.keys(model.generated);
    const made = run(
      (k: Tensor, c: Tensor) => Object.values(model.generate(model.init(k), c)),
      key,
      ndarray([1, -1, 1, 1]),
    );
    const order = Object.keys(
      trace((k: Tensor, c: Tensor) => model.generate(model.init(k), c), key, { dtype: 'float32', shape: [4] }).output,
    );
    expect([...order].sort()).toEqual([...names].sort());
    order.forEach((name, i) => {
      const w = model.generated[name]!;
      const std = w.init.std!(w);
      const data = Array.from(made[i]!.data);
      if (std === 0) {
        expect(data, name).toEqual(new Array(data.length).fill(w.role === 'scale' ? 1 : 0));
        return;
      }
      const { variance } = moments(made[i]!);
      expect(variance / std ** 2, name).toBeGreaterThan(0.7);
      expect(variance / std ** 2, name).toBeLessThan(1.4);
      const step = name === 'fc.weight' ? 40 : 16 * 9;
      for (const lag of [1, step]) {
        const pairs = data.slice(lag).reduce((s, x, j) => s + x * data[j]!, 0) / (data.length - lag);
        expect(Math.abs(pairs / variance), `${name}, ${lag} apart`).toBeLessThan(0.25);
      }
    });
  });

  test.each([
    ['everything', nn.init.zeros],
    ['nothing', nn.init.lecunNormal()],
  ])('where %s starts at a constant, no array is empty, forward or backward', (_, init) => {
    const target = nn.linear({ in: 3, out: 2, init, biasInit: init === nn.init.zeros ? init : nn.init.normal() });
    const model = hypernetwork(target, { code: 4, head: coordinate({ hidden: [8] }) });
    const step = (k: Tensor, code: Tensor, input: Tensor) =>
      grad((params: nn.ParamsOf<typeof model>) => sum(model.apply(params, { code, input })))(model.init(k));
    const { program } = trace(step, key, { dtype: 'float32', shape: [4] }, { dtype: 'float32', shape: [3] });
    expect(program.nodes.filter(({ outputs }) => outputs.some(({ shape }) => shape.includes(0)))).toEqual([]);
  });

  test('errors are one line that says where', () => {
    expect(() => coordinate({ hidden: [] })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.coordinate: expected hidden of at least 1, got none]`,
    );
    expect(() => coordinate({ hidden: [4], frequencies: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.coordinate: expected frequencies of at least 1, got 0]`,
    );
    expect(() => coordinate({ hidden: [4], layerEmbedding: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: heads.coordinate: expected layerEmbedding of at least 0, got -1]`,
    );
  });
});
