import { afterAll, expect, test } from 'vitest';
import { compileFunction } from '../engine/index.ts';
import { ortEngine } from '../engine/ort/index.ts';
import * as nn from '../nn/index.ts';
import { type NdArray, ndarray, random, type Tensor } from '../tensor/index.ts';
import {
  biasHyperInit,
  codes,
  type Head,
  heads,
  hypernetwork,
  type ProbedExamples,
  type VarianceSample,
  varianceProbe,
  varianceReport,
} from './index.ts';

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());

const [points, count, frequency, width] = [16, 8, 30, 48];
const places = ndarray(
  Float32Array.from({ length: count * points * 2 }, (_, i) => 2 * ((i * 0.7548776662466927) % 1) - 1),
  [count, points, 2],
);
const input = { code: ndarray(Int32Array.from({ length: count }, (_, i) => i)), input: places };

const made: Readonly<Record<string, () => unknown>> = {
  dense: () => heads.dense(),
  'dense, hidden layer': () => heads.dense({ hidden: [64] }),
  'dense, Bias-HyperInit': () => heads.dense({ init: biasHyperInit() }),
  lowRank: () => heads.lowRank({ rank: 8 }),
  chunked: () => heads.chunked({ chunk: 64, embedding: 32, hidden: [64] }),
  layerwise: () => heads.layerwise({ embedding: 24, hidden: 48 }),
  coordinate: () => heads.coordinate({ hidden: [64, 64] }),
  experts: () => heads.experts({ count: 4, gate: 'softmax' }),
  graph: () => heads.graph({ hidden: 48 }),
  scale: () => heads.scale(),
};

/** What leaves the layers of a generated network of sines, and the gradients there, beside those of an ordinary one. */
async function reportOf(head: Head) {
  const target = nn.siren({ in: 2, hidden: [width, width, width], out: 24, frequency });
  const model = hypernetwork(target, { code: codes.embeddings({ count, size: 32 }), head });
  type F = (key: Tensor, examples: ProbedExamples) => VarianceSample<Tensor>;
  const f: F = varianceProbe(model as never);
  const probe = await compileFunction(engine, f as (...args: never[]) => unknown, random.keyArray(0), { input });
  const run = probe as unknown as (key: NdArray, examples: unknown) => Promise<VarianceSample<NdArray>>;
  const samples = [];
  for (let key = 0; key < 7; key++) samples.push(await run(random.keyArray(key), { input }));
  await probe.dispose();
  return varianceReport(samples);
}

/** Heads that begin with one network whatever the code: the code gets its first gradient in the second step. */
const late = ['scale', 'dense, Bias-HyperInit'];

test.each(Object.entries(made))('%s generates sines that begin as ordinary ones', async (name, head) => {
  const { layers, warnings } = await reportOf(head() as Head);
  expect(warnings).toEqual(late.includes(name) ? ['gradients: 0 or not finite at code'] : []);
  // What enters a further sine has, over the frequency, unit variance by the weights, and the biases' beside it.
  for (const { activation } of layers.filter(({ path }) => path === 'layer1' || path === 'layer2')) {
    const wanted = 1 / frequency ** 2 + 1 / (3 * width);
    expect(Math.abs(activation.target! / wanted - 1)).toBeLessThan(0.2);
    expect(Math.abs(activation.model / wanted - 1)).toBeLessThan(0.3);
  }
});
