import { afterAll, describe, expect, test } from 'vitest';
import { compileFunction } from '../../engine/index.ts';
import { ortEngine } from '../../engine/ort/index.ts';
import * as nn from '../../nn/index.ts';
import { add, mean, type NdArray, ndarray, random, square, type Tensor } from '../../tensor/index.ts';
import {
  biasHyperInit,
  codes,
  costed,
  type Head,
  type HeadInit,
  heads,
  hyperfanIn,
  hypernetwork,
  kaimingInit,
  type Probed,
  type ProbedExamples,
  showVariance,
  type VarianceReport,
  type VarianceSample,
  varianceProbe,
  varianceReport,
} from '../index.ts';

const engine = ortEngine({ threads: 1, spinning: false });
afterAll(() => engine.dispose());

/** Numbers that behave like standard normal ones. */
function noise(shape: number[], seed: number): NdArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, (_, i) => {
    const u = (k: number) => Math.abs(Math.sin(12.9898 * (2 * i + k) + 78.233 * seed) * 43758.5453) % 1;
    return Math.sqrt(-2 * Math.log(u(1) + 1e-9)) * Math.cos(2 * Math.PI * u(2));
  });
  return ndarray(data, shape);
}

async function probe(
  model: unknown,
  examples: unknown,
  options: { loss?: (o: never, t: never) => Tensor } = {},
  keys = 5,
): Promise<VarianceSample<NdArray>[]> {
  type F = (key: Tensor, examples: ProbedExamples) => VarianceSample<Tensor>;
  const f: F = varianceProbe(model as Probed, options);
  const compiled = await compileFunction(engine, f as (...args: never[]) => unknown, random.keyArray(0), examples);
  const run = compiled as unknown as (key: NdArray, examples: unknown) => Promise<VarianceSample<NdArray>>;
  const samples: VarianceSample<NdArray>[] = [];
  for (let key = 0; key < keys; key++) samples.push(await run(random.keyArray(key), examples));
  await compiled.dispose();
  return samples;
}

const deep = () => nn.mlp({ in: 32, hidden: Array.from({ length: 8 }, () => 48), out: 8 });
const codeSize = 32;
// Codes of one norm: what a code's norm differs by is raised to the power of the depth.
const signs = noise([16, codeSize], 1);
const code = ndarray(signs.data.map(Math.sign) as Float32Array, signs.shape);
const batch = { input: { code, input: noise([16, 32], 2) } };
const withInit = (init: HeadInit) =>
  hypernetwork(deep(), { code: codeSize, head: heads.dense({ init }) as unknown as Head });
const ratios = (report: VarianceReport, kind: 'activation' | 'gradient') =>
  report.layers.flatMap((layer) => layer[kind].ratio ?? []);

describe('variance at init', () => {
  test('a plain module: mean squares of outputs and of gradients, layer by layer', async () => {
    const net = nn.sequential({
      a: nn.linear({ in: 2, out: 2, bias: false, init: nn.init.constantInit(2) }),
      relu: nn.relu,
      b: nn.linear({ in: 2, out: 1, bias: false, init: nn.init.constantInit(3) }),
    });
    const input = ndarray([
      [1, 2],
      [-1, -1],
    ]);
    const [sample] = await probe(net, { input, target: ndarray([[0], [0]]) }, { loss: nn.losses.mse }, 1);
    const rounded = Object.fromEntries(
      Object.entries(sample!.model).map(([path, { activation, gradient }]) => [
        path,
        { activation: [...activation.data], gradient: [...gradient.data] },
      ]),
    );
    // a = [6, 6], b = 36, so db = 2 * 36 and da = 3 db; the second example is dead behind the ReLU.
    expect(rounded).toEqual({
      a: { activation: [36, 16], gradient: [216 ** 2, 0] },
      relu: { activation: [36, 0], gradient: [216 ** 2, 0] },
      b: { activation: [36 ** 2, 0], gradient: [72 ** 2, 0] },
    });
    expect(sample!.target).toBeUndefined();
  });

  test('hyperfan-in keeps eight layers within 0.5 to 2, forward and backward', async () => {
    const report = varianceReport(await probe(withInit(hyperfanIn()), batch, {}, 9));
    expect(report.warnings).toEqual([]);
    expect(ratios(report, 'activation')).toHaveLength(9);
    expect(report.layers.map(({ path }) => path)).toEqual([
      'code',
      ...Array.from({ length: 9 }, (_, i) => `layer${i}`),
    ]);
  });

  test('Bias-HyperInit starts as the target does, and its code has no gradient', async () => {
    const report = varianceReport(await probe(withInit(biasHyperInit()), batch, {}, 15));
    expect(report.warnings).toEqual(['gradients: 0 or not finite at code']);
    for (const ratio of ratios(report, 'activation')) expect(Math.abs(Math.log2(ratio))).toBeLessThan(1);
  });

  test('ordinary Kaiming on the head explodes, and the report says so', async () => {
    const report = varianceReport(await probe(withInit(kaimingInit()), batch, {}, 3));
    const found = ratios(report, 'activation');
    expect(found[2]! / found[1]!).toBeGreaterThan(30);
    expect(report.warnings.map((w) => w.replace(/\d[\d.e+]*/g, 'N'))).toEqual([
      "activations: N of N layers outside N to N times the target's, worst layerN (N)",
      'activations grow on their way: ratio N at layerN, N at layerN',
      "gradients: N of N layers outside N to N times the target's, worst layerN (N)",
      'gradients grow on their way: ratio N at layerN, N at layerN',
    ]);
  });

  test('a hypernetwork of hypernetworks is held to the innermost target', async () => {
    const inner = hypernetwork(nn.mlp({ in: 4, hidden: [16], out: 2 }), { code: 3, head: heads.dense() });
    const model = hypernetwork(inner, { code: codes.embeddings({ count: 2, size: 8 }), head: heads.dense() as never });
    const input = {
      code: ndarray(new Int32Array([0, 1, 0, 1]), [4]),
      input: { code: noise([4, 3], 3), input: noise([4, 4], 4) },
    };
    const [sample] = await probe(model, { input }, {}, 1);
    expect(Object.keys(sample!.target!)).toEqual(['layer0', 'layer1']);
    expect(Object.keys(sample!.model)).toEqual(['code', 'target.code', 'layer0', 'layer1']);
  });

  test('layers that operations look through have gradients too, and no code is no layer', async () => {
    const net = nn.sequential({
      conv: nn.conv2d({ in: 1, out: 2, kernel: 3, padding: 1 }),
      relu: nn.relu,
      pool: nn.maxPool({ window: 2 }),
      flatten: nn.flatten,
      fc: nn.linear({ in: 8, out: 3 }),
    });
    const model = hypernetwork(net, { head: heads.layerwise({ embedding: 8 }) as unknown as Head });
    const input = { input: noise([4, 1, 4, 4], 7) };
    const report = varianceReport(await probe(model, { input }, {}, 3));
    expect(report.layers.map(({ path }) => path)).toEqual(['conv', 'relu', 'pool', 'flatten', 'fc']);
    for (const { gradient } of report.layers) expect(gradient.model).toBeGreaterThan(0);
  });

  test('batch norm, points that share a code, and several keys of one program', async () => {
    const net = nn.each(
      nn.sequential({
        fc: nn.linear({ in: 4, out: 8 }),
        norm: nn.batchNorm({ channels: 8 }),
        relu: nn.relu,
        out: nn.linear({ in: 8, out: 1 }),
      }),
    );
    const model = hypernetwork(net, { code: 3, head: heads.dense(), generate: '**.weight' });
    const samples = await probe(model, { input: { code: noise([6, 3], 5), input: noise([6, 10, 4], 6) } }, {}, 3);
    const report = varianceReport(samples);
    expect(report.layers.map(({ path }) => path)).toEqual(['code', 'fc', 'norm', 'relu', 'out']);
    const norm = report.layers[2]!;
    expect(norm.activation.model).toBeGreaterThan(0.8);
    expect(norm.activation.model).toBeLessThan(1.2);
    for (const layer of report.layers) expect(layer.gradient.model).toBeGreaterThan(0);
  });

  test('a loss that reads more than the output of the target reads the rest from the model', async () => {
    const target = nn.sequential({ fc: nn.linear({ in: 32, out: 8 }), open: nn.gate({ channels: 8 }) });
    const model = hypernetwork(target as never, { code: codeSize, head: heads.dense() } as never);
    const priced = costed(model as never, { input: { dtype: 'float32', shape: [32] } } as never);
    const plain = (output: Tensor) => mean(square(output));
    const loss = ({ output, cost }: { output: Tensor; cost: Tensor }) => add(plain(output), cost);
    const [own] = await probe(priced as never, batch, { loss: loss as never }, 1);
    const [bare] = await probe(model as never, batch, { loss: plain as never }, 1);
    expect(Object.keys(own!.target!)).toEqual(Object.keys(bare!.target!));
    for (const [path, { gradient }] of Object.entries(bare!.target!)) {
      expect(gradient.data[0]).toBeGreaterThan(0);
      expect(own!.target![path]!.gradient.data[0]).toBeCloseTo(gradient.data[0]!, 6);
    }
  });

  test('a state that no loss reads is no layer', async () => {
    const model = nn.characterModel({ symbols: 3, core: nn.gru({ in: 3, hidden: 8 }) });
    const input = {
      x: ndarray(
        Int32Array.from({ length: 20 }, (_, i) => (i * i) % 3),
        [4, 5],
      ),
    };
    const loss = ({ y }: { readonly y: Tensor }) => mean(square(y));
    const report = varianceReport(await probe(model, { input }, { loss: loss as never }, 2));
    expect(report.layers.map(({ path }) => path)).toEqual(['core.layer0', 'out']);
    expect(report.warnings).toEqual([]);
    // In a random direction of all outputs the state has a gradient.
    const all = varianceReport(await probe(model, { input }, {}, 2));
    expect(all.layers.map(({ path }) => path)).toContain('core.state.layer0.h');
  });

  test('as text', () => {
    const layer = (activation: number, gradient: number) => ({
      activation: ndarray([activation]),
      gradient: ndarray([gradient]),
    });
    const sample = { model: { fc: layer(1, 4), out: layer(12, 4) }, target: { fc: layer(1, 5), out: layer(2, 4) } };
    expect(`\n${showVariance(varianceReport([sample]))}`).toMatchInlineSnapshot(`
      "
      layer  activation  target  ratio  gradient  target  ratio
      fc           1.00    1.00   1.00      4.00    5.00  0.800
      out          12.0    2.00   6.00      4.00    4.00   1.00
      warning: activations: 1 of 2 layers outside 0.5 to 2 times the target's, worst out (6.00)
      warning: activations grow on their way: ratio 1.00 at fc, 6.00 at out"
    `);
    expect(() => varianceReport([])).toThrowErrorMatchingInlineSnapshot(
      `[ArgumentError: varianceReport: expected at least one sample, got none]`,
    );
  });
});
