import { ortEngine } from 'hyperloom/engine/ort';
import { describe, expect, test } from 'vitest';
import { dynamicConv } from './dynamicConv.ts';
import type { TrialResult } from './recipe.ts';
import { networks } from './tasks/dynamicNets.ts';
import { plainSession } from './testing.ts';

const settings = Object.fromEntries(Object.entries(dynamicConv.options).map(([key, option]) => [key, option.default]));

describe('dynamic-conv', () => {
  test('static networks have as many parameters, or multiply-adds, as the dynamic ones', () => {
    const nets = networks({ channels: 1, canvas: 40, classes: 10 }, 1);
    const { full, condConv, dyConv, filters, equalWork, equalParameters } = nets;
    for (const net of [condConv, dyConv, filters, equalWork])
      expect(Math.abs(net.multiplyAdds / full.multiplyAdds - 1)).toBeLessThan(0.02);
    for (const net of [condConv, dyConv, equalParameters])
      expect(Math.abs(net.parameters / full.parameters - 1)).toBeLessThan(0.01);
    expect(Math.abs(filters.parameters / full.parameters - 1)).toBeLessThan(0.1);
    // conv1: 20 * 20 places of 25 * 8; conv2: as many of 9 * 8 * 16; conv3: 10 * 10 of 9 * 16 * 24; 600 to 10.
    const convolutions = 400 * 25 * 8 + 400 * 9 * 8 * 16 + 100 * 9 * 16 * 24 + 6_000;
    const generated = 3 * (9 * 8 * 16 + 9 * 16 * 24) + 3 * (8 + 16);
    expect(full.multiplyAdds).toBe(convolutions + generated);
  });

  test('in short: each kind learns, and pictures are made', async () => {
    const experiment = await dynamicConv.prepare({ ...settings, images: 3_000 }, { seed: 0, steps: 100 });
    const engine = ortEngine({ threads: 1, spinning: false });
    const session = plainSession(0, engine);
    const results: TrialResult[] = [];
    for (const trial of experiment.trials) {
      const run = await trial.train(session);
      const metrics = await trial.measure(run, session);
      // By chance it is 0.9.
      expect(metrics.error, trial.title).toBeLessThan(0.8);
      results.push({ trial, run, metrics, seconds: 0 });
    }
    expect(results.map(({ trial }) => trial.name)).toEqual([
      'main',
      'condConv',
      'dyConv',
      'filters',
      'equalWork',
      'equalParameters',
    ]);
    const pictures = await experiment.pictures!(results);
    expect(pictures.map(({ name }) => name)).toEqual([
      'examples.svg',
      'misclassified.svg',
      'kernels.images.svg',
      'kernels.png',
      'kernels.differences.png',
      'coefficients.condConv.svg',
      'coefficients.dyConv.svg',
    ]);
    for (const { content } of pictures) expect(content.length).toBeGreaterThan(200);
    await engine.dispose();
  }, 120_000);
});
