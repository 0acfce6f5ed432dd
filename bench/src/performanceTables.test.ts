import { expect, test } from 'vitest';
import { movedTable, peersOf, type Report, resultsTable } from './performanceTables.ts';

const summary = (median: number) => ({ count: 9, median, min: median, low: 0.9 * median, high: 1.1 * median });
const side = (name: string, ms: number, ratio?: number) => ({
  name,
  ms: summary(ms),
  ...(ratio !== undefined && { ratio: summary(ratio) }),
  peakMB: 200,
});
const report = (ours: number): Report =>
  ({
    options: { threads: 2, rounds: 7 },
    workloads: [
      {
        workload: 'mnist',
        batch: 128,
        sides: [side('hyperloom', ours), side('torch', 4, ours / 4), side('jax', 2, ours / 2)],
      },
      { workload: 'lstm', batch: 32, sides: [side('hyperloom', 5), side('torch', 10, 0.5)] },
    ],
  }) as unknown as Report;

test('a row for each workload, with the ratio to each peer that took it', () => {
  expect(peersOf(report(1))).toEqual(['torch', 'jax']);
  expect(resultsTable(report(1))).toMatchInlineSnapshot(`
    "| workload | ours, ms | over torch | over jax | MB | MB, torch |
    | --- | ---: | ---: | ---: | ---: | ---: |
    | mnist 128 | 1 | 0.25 (0.225 to 0.275) | 0.5 (0.45 to 0.55) | 200 | 200 |
    | lstm 32 | 5 | 0.5 (0.45 to 0.55) | - | 200 | 200 |"
  `);
});

test('what moved is told beside the faster of PyTorch and JAX', () => {
  expect(movedTable(report(4), report(1))).toMatchInlineSnapshot(`
    "| workload | before, ms | after, ms | over the faster of both, before | after |
    | --- | ---: | ---: | ---: | ---: |
    | mnist 128 | 4 | 1 | 2 | 0.5 |
    | lstm 32 | 5 | 5 | 0.5 | 0.5 |"
  `);
});
