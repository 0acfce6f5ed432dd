import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, runOnce } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { heads, hypernetwork } from '../hyper/index.ts';
import * as nn from '../nn/index.ts';
import { add, constant, mul, type NdArray, ndarray, random, type Tensor, tree } from '../tensor/index.ts';
import {
  openRun,
  type SampleOptions,
  type SamplerOptions,
  type SymbolModel,
  sampler,
  type Trainable,
} from './index.ts';

/** A hypernetwork whose trees of weights are not told apart. */
interface Generated extends Trainable {
  materialise(params: never, code: never): unknown;
}

const symbols = 6;
const model = nn.characterModel({
  symbols,
  core: nn.hyperLstm({ in: symbols, hidden: 7, hyper: 3, code: 2, layerNorm: true }),
});
const reference = referenceEngine();
const ort = ortEngine({ threads: 1, spinning: false });
let params: unknown;
beforeAll(async () => {
  const drawn = await runOnce(reference, (key: Tensor) => model.init(key), random.keyArray(3));
  // Far enough from 0 that what is likeliest changes, and is no near tie.
  params = tree.map((weight: NdArray) => scaled(weight, 4), drawn);
});
afterAll(() => ort.dispose());

const scaled = ({ dtype, shape, data }: NdArray, factor: number): NdArray => ({
  dtype,
  shape,
  data: data.map((x) => x * factor) as NdArray['data'],
});

async function written(
  options: SampleOptions,
  { engine = ort as Engine, ...settings }: SamplerOptions & { readonly engine?: Engine } = {},
) {
  const run = openRun(model, params, engine);
  const pieces: number[][] = [];
  for await (const piece of sampler(run, model, settings).sample(options)) pieces.push([...piece]);
  await run.dispose();
  return pieces;
}
const text = async (...args: Parameters<typeof written>) => (await written(...args)).flat();

/** The likeliest symbols, by the model over the whole sequence, one symbol longer at a time. */
async function likeliest(prompt: readonly number[], length: number): Promise<number[]> {
  const all = [...prompt];
  for (let i = 0; i < length; i++) {
    const logits = (await runOnce(
      reference,
      (own: never, x: Tensor) => model.apply(own, { x }).y,
      params as never,
      ndarray(Int32Array.from(all)) as never,
    )) as unknown as NdArray;
    const last = [...logits.data.slice(-symbols)];
    all.push(last.indexOf(Math.max(...last)));
  }
  return all.slice(prompt.length);
}

describe('a sampler', () => {
  test('at temperature 0 writes the likeliest symbols that the whole model gives', async () => {
    const expected = await likeliest([2, 5, 0, 1], 12);
    expect(new Set(expected).size).toBeGreaterThan(1);
    const options = { prompt: [2, 5, 0, 1], length: 12, temperature: 0 };
    expect(await text(options)).toEqual(expected);
    expect(await text({ ...options, seed: 9 }, { engine: reference, piece: 5 })).toEqual(expected);
  });

  test('writes the same for the same seed, whatever the pieces, and other symbols for another', async () => {
    const options = { prompt: [1, 4, 3], length: 40, temperature: 2, seed: 7 };
    const first = await text(options);
    expect(first).toHaveLength(40);
    for (const piece of [1, 7, 64]) expect(await text(options, { piece })).toEqual(first);
    expect(await text({ ...options, seed: 8 })).not.toEqual(first);
    expect((await text({ ...options, length: 15 })).slice(0, 15)).toEqual(first.slice(0, 15));
  });

  test('gives pieces as they are written: only what lies behind the prompt, and no more than asked for', async () => {
    const sizes = (await written({ prompt: [1, 2, 3, 4, 5, 0], length: 9 }, { piece: 4 })).map(({ length }) => length);
    expect(sizes).toEqual([3, 4, 2]);
  });

  test('writes with a model that a hypernetwork generates, generated before or in each call', async () => {
    const target = nn.characterModel({ symbols, core: nn.gru({ in: symbols, hidden: 5 }) });
    const net = hypernetwork(target as never, { code: 3, head: heads.dense({ hidden: [4] }) }) as unknown as Generated;
    const drawn = await runOnce(reference, (key: Tensor) => net.init(key), random.keyArray(1));
    const run = openRun(
      net,
      tree.map((weight: NdArray) => scaled(weight, 3), drawn),
      ort,
    );
    const code = [1, -0.5, 2];
    const { module, params: weights } = await run.materialise(code);
    const made = openRun(module, weights, ort);
    const inCall: SymbolModel = {
      state: target.state,
      step: (own: never, input: never) => target.step(net.materialise(own, constant(code) as never) as never, input),
    };
    const options = { prompt: [3], length: 30, temperature: 2 };
    const [before, within]: [number[], number[]] = [[], []];
    for await (const piece of sampler(made, target).sample(options)) before.push(...piece);
    for await (const piece of sampler(run, inCall).sample(options)) within.push(...piece);
    expect(before).toHaveLength(30);
    expect(within).toEqual(before);
    await run.dispose();
    await made.dispose();
  });

  test('draws from the softmax of the logits over the temperature', async () => {
    const logits = [0, 1, 2];
    const plain = {
      name: 'plain',
      spec: { shift: nn.weight({ shape: [3], role: 'bias', init: nn.init.zeros }) },
      init: () => ({ shift: constant([0, 0, 0]) }),
      apply: (_: never, x: never) => x,
      state: {},
      step: ({ shift }: { readonly shift: Tensor }) => ({ y: add(shift, constant(logits)), state: {} }),
    };
    const run = openRun(plain, { shift: ndarray([0, 0, 0]) }, ort);
    const counts = [0, 0, 0];
    const count = 20_000;
    for await (const piece of sampler(run, plain, { piece: 1_000 }).sample({
      prompt: [0],
      length: count,
      temperature: 0.5,
    }))
      for (const symbol of piece) counts[symbol]! += 1;
    const total = logits.reduce((sum, y) => sum + Math.exp(y / 0.5), 0);
    // Five standard deviations of the share of 20,000 draws.
    logits.forEach((y, i) => {
      const p = Math.exp(y / 0.5) / total;
      expect(Math.abs(counts[i]! / count - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / count));
    });
    await run.dispose();
  });

  test('refuses options out of range on one line', async () => {
    const refused = (options: Partial<SampleOptions>) =>
      text({ prompt: [0], length: 1, ...options }, { engine: reference }).catch((error: Error) => error.message);
    expect([
      await refused({ prompt: [] }),
      await refused({ prompt: [0, symbols] }),
      await refused({ prompt: [0.5] }),
      await refused({ length: 0 }),
      await refused({ temperature: -1 }),
      await refused({ temperature: Number.NaN }),
    ]).toMatchInlineSnapshot(`
      [
        "sample: expected a prompt of at least one symbol, got none",
        "sample: expected symbols from 0 to 5 in the prompt, got 6",
        "sample: expected symbols from 0 to 5 in the prompt, got 0.5",
        "sample: expected a length of a whole number from 1 on, got 0",
        "sample: expected a temperature of 0 or above, got -1",
        "sample: expected a temperature of 0 or above, got NaN",
      ]
    `);
  });

  test('refuses pieces, logits and states of another form', () => {
    const run = openRun(model, params, reference);
    const message = (f: () => unknown) => {
      try {
        return f();
      } catch (error) {
        return (error as Error).message;
      }
    };
    const step = (form: (y: Tensor, state: unknown) => { readonly y: Tensor; readonly state: unknown }) => ({
      state: model.state,
      step: (own: never, input: never) => {
        const { y, state } = model.step(own, input);
        return form(y, state);
      },
    });
    expect([
      message(() => sampler(run, model, { piece: 0 })),
      message(() =>
        sampler(
          run,
          step((y, state) => ({ y: mul(y, constant(ndarray([[1]]))), state })),
        ),
      ),
      message(() =>
        sampler(
          run,
          step((y) => ({ y, state: { h: y } })),
        ),
      ),
    ]).toMatchInlineSnapshot(`
      [
        "sampler: expected a piece of a whole number of symbols from 1 on, got 0",
        "sampler: expected a step that gives logits y [symbols], got y float32 [1, 6]",
        "sampler: expected a step that gives the state (layer0.h float32 [7], layer0.c float32 [7], layer0.hyper.h float32 [3], layer0.hyper.c float32 [3]), got h float32 [6]",
      ]
    `);
  });
});
