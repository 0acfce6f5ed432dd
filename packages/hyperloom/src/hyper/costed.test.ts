import { describe, expect, test } from 'vitest';
import { batches } from '../data/index.ts';
import { runOnce } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import {
  add,
  broadcastTo,
  constant,
  matmul,
  mul,
  type NdArray,
  ndarray,
  random,
  reshape,
  type Tensor,
  vmap,
  zerosArray,
} from '../tensor/index.ts';
import { train } from '../train/index.ts';
import { type Costed, codes, costed, defineHead, heads, hypernetwork, mapTarget, multiplyAdds } from './index.ts';

const engine = referenceEngine();
const f32 = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
const key = random.keyArray(3);

/** 4 -> 8 (gated) -> 2: 32 and 16 multiply-adds, both over the gated elements. */
const mlp = nn.sequential({
  first: nn.linear({ in: 4, out: 8 }),
  open: nn.gate({ channels: 8 }),
  relu: nn.relu,
  last: nn.linear({ in: 8, out: 2 }),
});

/** What the test knows of a costed model. */
interface Any {
  init(key: Tensor): never;
  apply(params: never, input: never, context?: nn.Context): { readonly output: Tensor; readonly cost: Tensor };
  generate(params: never, code: Tensor): Readonly<Record<string, Tensor>>;
}
const priced = (model: unknown, input: unknown): Any => costed(model as never, { input }) as unknown as Any;

/** The cost of a module for values of its gates. */
async function costOf(module: unknown, shape: readonly number[], gates: Readonly<Record<string, NdArray>>) {
  const model = priced(module, f32(...shape));
  const cost = (at: Tensor, open: Readonly<Record<string, Tensor>>, x: Tensor) => {
    const params = (module as Any).init(at);
    return model.apply(replaced(params, open) as never, x as never).cost;
  };
  const result = (await runOnce(engine, cost as never, key, gates, zerosArray('float32', shape))) as unknown as NdArray;
  return result.data[0]!;
}

/** A tree with other leaves at some paths. */
function replaced(node: unknown, by: Readonly<Record<string, Tensor>>, path = ''): unknown {
  if (path in by) return by[path];
  if (typeof node !== 'object' || node === null || 'node' in node) return node;
  const child = (k: string, v: unknown) => replaced(v, by, path === '' ? k : `${path}.${k}`);
  if (Array.isArray(node)) return node.map((v, i) => child(String(i), v));
  return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, child(k, v)]));
}

describe('costed', () => {
  test('counts each product by what is left of both of its sides', async () => {
    const half = ndarray([1, 0, 0.5, 0.5, 1, 0, 1, 0]);
    expect(await costOf(mlp, [4], {})).toBeCloseTo(1, 6);
    expect(await costOf(mlp, [4], { 'open.gate': half })).toBeCloseTo(0.5, 6);
    const two = nn.sequential([
      nn.conv2d({ in: 1, out: 4, kernel: 3 }),
      nn.gate({ channels: 4 }),
      nn.conv2d({ in: 4, out: 4, kernel: 3 }),
      nn.gate({ channels: 4 }),
      nn.globalAvgPool,
      nn.linear({ in: 4, out: 2 }),
    ]);
    // 36 * 36 * 1, 16 * 36 * 4 and 8 multiply-adds.
    const quarter = ndarray([1, 0, 0, 0]);
    const [a, b, c] = [36 * 36, 16 * 144, 8];
    expect(await costOf(two, [1, 8, 8], { '1.gate': quarter })).toBeCloseTo((a / 4 + b / 4 + c) / (a + b + c), 5);
    const both = { '1.gate': quarter, '3.gate': ndarray([1, 1, 0, 0]) };
    expect(await costOf(two, [1, 8, 8], both)).toBeCloseTo((a / 4 + b / 8 + c / 2) / (a + b + c), 5);
  });

  test('a gate of a layer counts for what it alone leads to the output, once', async () => {
    const body = nn.sequential([
      nn.linear({ in: 4, out: 6 }),
      nn.gate({ channels: 6 }),
      nn.relu,
      nn.linear({ in: 6, out: 4 }),
      nn.gate(),
    ]);
    const net = nn.sequential([
      nn.linear({ in: 4, out: 4 }),
      nn.residual(body as never),
      nn.linear({ in: 4, out: 1 }),
    ] as never);
    const [stem, inside, last] = [16, 48, 4];
    const all = stem + inside + last;
    expect(await costOf(net, [4], { '1.body.4.gate': ndarray(0.25) })).toBeCloseTo((stem + inside / 4 + last) / all, 6);
    const both = { '1.body.4.gate': ndarray(0.25), '1.body.1.gate': ndarray([1, 1, 1, 0, 0, 0]) };
    expect(await costOf(net, [4], both)).toBeCloseTo((stem + inside / 8 + last) / all, 6);
  });

  test('a gate before or behind a product that keeps its shape counts for the product', async () => {
    const square = nn.linear({ in: 4, out: 4, bias: false });
    const net = (body: readonly nn.AnyModule[]) =>
      nn.sequential([nn.linear({ in: 4, out: 4 }), nn.residual(nn.sequential(body) as never)] as never);
    for (const [body, path] of [
      [[square, nn.gate()], '1.body.1.gate'],
      [[nn.gate(), square], '1.body.0.gate'],
    ] as const)
      expect(await costOf(net(body as never), [4], { [path]: ndarray(0.25) })).toBeCloseTo((16 + 4) / 32, 6);
  });

  test('a part of a gated axis is open where one of its elements is', async () => {
    const net = nn.defineModule({
      name: 'parts',
      spec: {
        w: nn.weight({ shape: [2, 6] }),
        gate: nn.weight({ shape: [6], role: 'gate' }),
        v: nn.weight({ shape: [3, 1] }),
      },
      apply: ({ w, gate, v }, x: Tensor) => matmul(reshape(mul(matmul(reshape(x, [1, 2]), w), gate), [2, 3]), v),
    });
    // Columns 0 and 1 of [[1, 0, 0], [0, 1, 0]] hold something.
    expect(await costOf(net, [2], { gate: ndarray([1, 0, 0, 0, 1, 0]) })).toBeCloseTo(2 / 3, 6);
  });

  test.each([
    ['what both sides have counts once', 0.5 * 0.75, true],
    ['a side that is open where the other is adds nothing', 0.5, false],
  ])('of a sum, %s', async (_, share, isShared) => {
    const net = nn.defineModule({
      name: 'sum',
      spec: {
        a: nn.weight({ shape: [2, 4] }),
        c: nn.weight({ shape: [4, 1] }),
        all: nn.weight({ shape: [4], role: 'gate' }),
        left: nn.weight({ shape: [4], role: 'gate' }),
        right: nn.weight({ shape: [4], role: 'gate' }),
      },
      apply: ({ a, c, all, left, right }, x: Tensor) => {
        const h = mul(matmul(reshape(x, [1, 2]), a), all);
        return matmul(add(isShared ? mul(h, left) : h, mul(h, right)), c);
      },
    });
    const half = ndarray([0.5, 0.5, 0.5, 0.5]);
    expect(await costOf(net, [2], { all: half, left: half, right: half })).toBeCloseTo(share, 6);
  });

  test('two gates on one sum are open where one is', async () => {
    const net = nn.defineModule({
      name: 'sum',
      spec: {
        a: nn.weight({ shape: [2, 4] }),
        b: nn.weight({ shape: [2, 4] }),
        c: nn.weight({ shape: [4, 1] }),
        left: nn.weight({ shape: [4], role: 'gate' }),
        right: nn.weight({ shape: [4], role: 'gate' }),
      },
      apply: ({ a, b, c, left, right }, x: Tensor) => {
        const row = reshape(x, [1, 2]);
        return matmul(add(mul(matmul(row, a), left), mul(matmul(row, b), right)), c);
      },
    });
    // Both products feed one dimension: 3 of 4 are open in expectation, of each of the three products.
    const gates = { left: ndarray([0.5, 0.5, 0.5, 0.5]), right: ndarray([0.5, 0.5, 0.5, 0.5]) };
    expect(await costOf(net, [2], gates)).toBeCloseTo(0.75, 6);
  });

  test('a gate of kernels counts by its mean', async () => {
    const net = nn.defineModule({
      name: 'kernels',
      spec: { w: nn.weight({ shape: [4, 2] }), gate: nn.weight({ shape: [4, 2], role: 'gate' }) },
      apply: ({ w, gate }, x: Tensor) => matmul(reshape(x, [1, 4]), mul(w, gate)),
    });
    const gate = ndarray([
      [1, 0],
      [1, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(await costOf(net, [4], { gate })).toBeCloseTo(0.25, 6);
  });

  test('a value counts within 0 and 1, and what is told of a gate in its place', async () => {
    expect(await costOf(mlp, [4], { 'open.gate': ndarray([3, -1, 1, 1, 1, 1, 1, 1]) })).toBeCloseTo(7 / 8, 6);
    const head = defineHead<nn.NoWeights>({
      name: 'told',
      spec: () => ({}),
      apply: (_, code, target, context) => {
        context?.expect?.('open.gate', broadcastTo(reshape(code, [1]), [8]));
        return mapTarget(target, ({ shape }) => broadcastTo(constant(1), shape));
      },
    });
    const model = priced(hypernetwork(mlp, { code: 1, generate: '**.gate', head }), f32(4));
    const heard: string[] = [];
    const context = { training: false, expect: (path: string) => heard.push(path) };
    const run = (at: Tensor, code: Tensor, input: Tensor) =>
      model.apply(model.init(at), { code, input } as never, context).cost;
    const [x, code] = [zerosArray('float32', [4]), ndarray([0.25])];
    expect(((await runOnce(engine, run, key, code, x)) as unknown as NdArray).data[0]).toBeCloseTo(0.25, 6);
    // Who listens around it hears the same.
    expect(heard).toEqual(['open.gate']);
  });

  test('each example of a batch has its cost, with the output and weights of the model itself', async () => {
    const model = hypernetwork(mlp, { code: 2, generate: '**.gate', head: heads.gates() });
    const both = (at: Tensor, code: Tensor, input: Tensor) => {
      const own = priced(model, { code: f32(2), input: f32(4) });
      const params = own.init(at);
      const plain = model as unknown as Any;
      return {
        own: vmap((c: Tensor, x: Tensor) => own.apply(params, { code: c, input: x } as never))(code, input),
        plain: vmap((c: Tensor, x: Tensor) => plain.apply(params, { code: c, input: x } as never))(code, input),
        gates: vmap((c: Tensor) => own.generate(params, c))(code),
      };
    };
    const codes = ndarray([
      [9, -9],
      [-40, 30],
      [0, 0],
    ]);
    const inputs = ndarray([
      [1, 2, 3, 4],
      [4, 3, 2, 1],
      [0, 1, 0, 1],
    ]);
    const found = (await runOnce(engine, both as never, key, codes, inputs)) as unknown as {
      own: { output: NdArray; cost: NdArray };
      plain: NdArray;
      gates: Record<string, NdArray>;
    };
    expect(found.own.output).toEqual(found.plain);
    const open = [...found.gates['open.gate']!.data].map((g) => Number(g > 0));
    const shares = [0, 1, 2].map((row) => open.slice(8 * row, 8 * row + 8).reduce((a, b) => a + b, 0) / 8);
    expect([...found.own.cost.data]).toEqual(shares.map((share) => expect.closeTo(share, 5)));
    expect(new Set(shares).size).toBeGreaterThan(1);
  });

  test('trains: a price on cost shuts gates that the loss has no use for', async () => {
    const head = heads.gates({ open: 0.9 });
    const model = costed(
      hypernetwork(mlp, {
        code: codes.embeddings({ count: 1, size: 4 }),
        head: heads.compose({ '**.gate': head, '**': heads.dense() }),
      }),
      { input: f32(4) },
    );
    const input = {
      code: ndarray(new Int32Array(32), [32]),
      input: ndarray(
        Float32Array.from({ length: 128 }, (_, i) => Math.sin(3 * i)),
        [32, 4],
      ),
    };
    const target = ndarray(
      Float32Array.from({ length: 64 }, (_, i) => Math.sin(3 * (4 * (i >> 1)))),
      [32, 2],
    );
    const trained = async (price: number) => {
      const run = await train(model as never, {
        data: batches({ input, target }, { size: 16 }),
        loss: ((out: Costed<Tensor>, y: Tensor) => add(nn.losses.mse(out.output, y), mul(out.cost, price))) as never,
        optimizer: optim.adam(2e-2),
        steps: 150,
        engine: ortEngine({ threads: 1, spinning: false }),
      });
      const { cost } = (await run.apply({ code: ndarray(0, undefined, 'int32'), input: ndarray([1, 2, 3, 4]) })) as {
        cost: NdArray;
      };
      await run.dispose();
      return cost.data[0]!;
    };
    expect(await trained(1)).toBeLessThan((await trained(0)) - 0.3);
  });

  test('says what it needs', () => {
    const message = (f: () => unknown) => {
      try {
        f();
      } catch (error) {
        return (error as Error).message;
      }
      return 'nothing was thrown';
    };
    expect([
      message(() => priced(nn.linear({ in: 2, out: 1 }), f32(2))),
      message(() => priced(nn.gate({ channels: 2 }), f32(2))),
      message(() => priced(mlp, f32(3))),
    ]).toMatchInlineSnapshot(`
      [
        "costed: expected a target with weights of the role gate, got linear (weight, bias)",
        "costed: expected a network with products or convolutions, got none",
        "linear "first": expected [..., 4], got [3]",
      ]
    `);
  });
});

test('multiplyAdds counts a network for one example', () => {
  expect(multiplyAdds(mlp, f32(4))).toBe(32 + 16);
  expect(multiplyAdds(nn.conv2d({ in: 2, out: 3, kernel: 3 }), f32(2, 5, 5))).toBe(9 * 2 * 3 * 9);
});
