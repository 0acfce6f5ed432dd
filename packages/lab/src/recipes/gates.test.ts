import { runOnce } from 'hyperloom/engine';
import { ortEngine } from 'hyperloom/engine/ort';
import { type NdArray, ndarray, random, type Tensor } from 'hyperloom/tensor';
import { compact, openRun } from 'hyperloom/train';
import { expect, test } from 'vitest';
import { gates } from './gates.ts';
import { fullWidths, gatedNet, narrowed, residualNet } from './tasks/gatedNets.ts';
import { codeOf, differenceByClass } from './tasks/gateFigures.ts';
import { figuresOf } from './testing.ts';

test('in short: one network serves every budget, and gates open by class', async () => {
  const { main, fixed50, fixed100 } = await figuresOf(gates, { steps: 120, settings: { testImages: 1_000 } });
  expect(main!['error.100']).toBeLessThan(0.2);
  expect(main!['error.25']).toBeLessThan(0.3);
  expect(main!['used.25']).toBeLessThan(main!['used.100']! - 0.15);
  expect(main!.differ).toBeGreaterThan(0.05);
  // The compact networks of some images, against the mean over all.
  expect(Math.abs(main!['compact.25']! - main!['used.25']!)).toBeLessThan(0.1);
  expect(fixed50!['error.50']).toBeLessThan(0.3);
  expect(fixed100!['used.100']).toBe(1);
}, 120_000);

const shape = { channels: 1, height: 12, width: 12, classes: 3 };

test('what the model says that it uses is what the compact network takes', async () => {
  const engine = ortEngine({ threads: 1, spinning: false });
  const { model } = gatedNet(shape, 'image');
  const init = (key: Tensor) => model.init(key);
  const params = await runOnce(engine, init as never, random.keyArray(3) as never);
  const run = openRun(model, params, engine);
  const shares: number[] = [];
  for (let i = 0; i < 6; i++) {
    const image = ndarray(
      Float32Array.from({ length: 144 }, (_, at) => Math.max(0, Math.sin(at * (i + 1)))),
      [1, 12, 12],
    );
    const code = codeOf('image', 25 * (1 + (i % 4)), image);
    const input = { code, input: image };
    const { output, cost } = (await run.apply(input)) as { readonly output: NdArray; readonly cost: NdArray };
    const small = await compact(run, { code, input });
    const { before, after } = small.multiplyAdds;
    expect(cost.data[0]).toBeCloseTo(after / before, 5);
    const alone = openRun(small.module, small.params, engine);
    const again = (await alone.apply(image)) as NdArray;
    again.data.forEach((x, at) => {
      expect(x).toBeCloseTo(output.data[at]!, 4);
    });
    await alone.dispose();
    shares.push(after / before);
  }
  expect(new Set(shares).size).toBeGreaterThan(1);
  expect(Math.min(...shares)).toBeLessThan(0.9);
  await run.dispose();
  await engine.dispose();
});

test('fixed networks are the narrowest of at least their share', () => {
  const names = ['stem', 'fc'] as const;
  const widths = [0.25, 0.5, 1].map((share) => {
    const { spec } = narrowed(shape, share) as unknown as {
      readonly spec: Readonly<
        Record<(typeof names)[number], { readonly weight: { readonly shape: readonly number[] } }>
      >;
    };
    return names.map((name) => spec[name].weight.shape);
  });
  expect(widths[2]).toEqual([
    [8, 1, 5, 5],
    [144, 3],
  ]);
  expect(widths[0]![0]![0]!).toBeLessThan(widths[1]![0]![0]!);
  expect(widths[1]![0]![0]!).toBeLessThan(8);
  expect(Object.keys(residualNet(shape, fullWidths, true).spec as object)).toContain('block3');
});

test('the difference by class is 0 for gates that see no class', () => {
  const rates = (...byClass: number[][]) => differenceByClass({ gates: ['a', 'b'], byClass });
  expect(rates([0.2, 1], [0.2, 1])).toBe(0);
  expect(rates([0, 1], [1, 0.5], [])).toBe(0.75);
});
