import { afterAll, describe, expect, test } from 'vitest';
import { compileFunction, runOnce } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import * as nn from '../nn/index.ts';
import {
  constant,
  mean,
  mul,
  type NdArray,
  ndarray,
  reshape,
  slice,
  square,
  sub,
  type Tensor,
  tree,
  valueAndGrad,
  vmap,
} from '../tensor/index.ts';
import type { HeadSample } from './heads/contract.suite.ts';
import { heads, hypernetwork } from './index.ts';
import { keyArray, keySpec, overZoo, zooCodes } from './zoo.suite.ts';

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());

/** The last sample of each head that makes recurrent targets. */
const samples = (
  await Promise.all(
    Object.keys(heads).map(async (name) => {
      const { samples: own } = (await import(`./heads/${name}.suite.ts`)) as { samples: readonly HeadSample[] };
      return { name, sample: own.at(-1)! };
    }),
  )
).filter(({ sample: { skip } }) => !skip?.targets.includes('recurrent'));

const hidden = 16;
const target = {
  module: nn.sequential({ lstm: nn.lstm({ in: 8, hidden }), fc: nn.linear({ in: hidden, out: 1 }) }),
  input: {},
  generate: '**',
};

describe('an LSTM that is generated starts as one that is stored', () => {
  test.each(samples)('$name', async ({ sample }) => {
    const size = sample.code ?? 6;
    const model = overZoo(sample.head, size, target as never);
    const measure = (key: Tensor): Tensor[] => {
      const codes = constant(zooCodes(Math.max(1, size), 4));
      const params = model.init(key);
      const weights = vmap((code: Tensor) => model.generate(params, size > 0 ? code : undefined))(codes) as Record<
        string,
        Tensor
      >;
      const bias = mean(reshape(weights['lstm.layer0.bias']!, [4, 4, hidden]), { axis: [0, 2] });
      const squares = ['input', 'hidden'].map((name) => mean(square(weights[`lstm.layer0.${name}`]!)));
      return [bias, ...squares];
    };
    const f = await compileFunction(engine, measure, keySpec);
    const seen: number[][] = [];
    for (let i = 0; i < 20; i++) seen.push((await f(keyArray(i))).flatMap(({ data }) => [...data]));
    await f.dispose();
    const [input, forget, output, fresh, ...variances] = seen[0]!.map((_, at) =>
      seen.reduce((n, own) => n + own[at]! / seen.length, 0),
    );
    for (const bias of [input, output, fresh]) expect(Math.abs(bias!)).toBeLessThan(0.05);
    expect(Math.abs(forget! - 1)).toBeLessThan(0.05);
    // Elements of a gate's orthogonal matrix have a variance of 1 / hidden.
    for (const variance of variances) {
      expect(variance * hidden).toBeGreaterThan(0.5);
      expect(variance * hidden).toBeLessThan(2);
    }
  });
});

describe('what a HyperLSTM starts at a constant starts there when it is generated', () => {
  // Sizes at which weights of different constants have one shape: biases of the small cell and of the codes.
  const core = nn.hyperLstm({ in: 2, hidden: 3, hyper: 4, code: 2 });
  const net = nn.sequential({ core, fc: nn.linear({ in: 3, out: 2 }) });
  const own = tree.flatten<nn.WeightSpec>(net.spec);
  const constants = Object.keys(own).filter((path) => own[path]!.init.std?.(own[path]!) === 0);

  test.each(samples)('$name', async ({ sample }) => {
    const size = sample.code ?? 6;
    const model = overZoo(sample.head, size, { module: net, input: {}, generate: '**' });
    const measure = (key: Tensor): Tensor[] => {
      const codes = constant(zooCodes(Math.max(1, size), 4));
      const params = model.init(key);
      const generate = (code: Tensor) => model.generate(params, size > 0 ? code : undefined);
      const weights = vmap(generate)(codes) as Record<string, Tensor>;
      return constants.map((path) => mean(weights[path]!, { axis: 0 }));
    };
    const f = await compileFunction(engine, measure, keySpec);
    const seen: (readonly NdArray[])[] = [];
    for (let i = 0; i < 20; i++) seen.push(await f(keyArray(i)));
    await f.dispose();
    const starts = await runOnce(
      engine,
      (key: Tensor) => constants.map((path) => own[path]!.init(key, own[path]!)),
      keyArray(0) as never,
    );
    (starts as unknown as NdArray[]).forEach(({ data }, at) => {
      data.forEach((start, i) => {
        const average = seen.reduce((n, arrays) => n + arrays[at]!.data[i]! / seen.length, 0);
        expect(Math.abs(average - start), `${constants[at]}[${i}]`).toBeLessThan(0.25);
      });
    });
  });
});

// Both begin alike: only the code tells what follows.
const texts = [
  [0, 1, 2, 0],
  [0, 2, 1, 0],
];
const model = nn.characterModel({ symbols: 3, core: nn.hyperLstm({ in: 3, hidden: 8, hyper: 4, code: 2 }) });

test('a model of characters is generated from a code: one for each text', async () => {
  const net = hypernetwork(model, { code: 2, head: heads.dense(), generate: 'core.**' });
  const codes = constant(
    ndarray([
      [1, 1],
      [1, -1],
    ]),
  );
  const symbols = constant(ndarray(texts, [2, 4], 'int32'));
  const loss = (params: nn.ParamsOf<typeof net>): Tensor => {
    const one = (code: Tensor, x: Tensor): Tensor => {
      const { y } = net.apply(params, { code, input: { x } });
      return nn.losses.crossEntropy(slice(y, [[0, 3]]), slice(x, [[1, 4]]));
    };
    return mean(vmap(one)(codes, symbols));
  };
  const descend = (params: nn.ParamsOf<typeof net>) => {
    const [value, gradients] = valueAndGrad(loss)(params);
    const next = tree.map((w: Tensor, g: Tensor) => sub(w, mul(g, 0.5)), params, gradients);
    return { value, next: next as nn.ParamsOf<typeof net> };
  };
  let params: unknown = await runOnce(engine, (key: Tensor) => net.init(key), keyArray(1) as never);
  const f = await compileFunction(engine, descend, params as never);
  const losses: number[] = [];
  for (let step = 0; step < 120; step++) {
    const { value, next } = (await f(params as never)) as unknown as { value: NdArray; next: unknown };
    losses.push(value.data[0]!);
    params = next;
  }
  await f.dispose();
  expect(losses[0]).toBeGreaterThan(1);
  // Without the code, a guess of two in the first of three places: log(2) / 3.
  expect(losses.at(-1)).toBeLessThan(0.1);

  // What one code generates writes on by single steps.
  const write = (own: nn.ParamsOf<typeof net>) => {
    const weights = net.materialise(own, constant([1, -1]));
    const first = model.apply(weights, { x: constant([0, 2], 'int32') });
    const next = model.step(weights, { x: constant(1, 'int32'), state: first.state });
    const whole = model.apply(weights, { x: constant([0, 2, 1], 'int32') });
    return { first: first.y, next: next.y, whole: whole.y };
  };
  const written = (await runOnce(engine, write, params as never)) as unknown as Record<string, NdArray>;
  const best = (logits: number[]) => logits.indexOf(Math.max(...logits));
  expect(best([...written.first!.data.slice(0, 3)])).toBe(2);
  expect(best([...written.next!.data])).toBe(0);
  written.next!.data.forEach((value, i) => {
    expect(value).toBeCloseTo(written.whole!.data[6 + i]!, 4);
  });
});
