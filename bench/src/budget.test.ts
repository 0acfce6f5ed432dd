import { readFileSync } from 'node:fs';
import { ortEngine } from 'hyperloom/engine/ort';
import { expect, test } from 'vitest';
import { batchSizes, seededInputs } from '../peers/inputs.ts';
import { excess, type Made, madeOf } from './budget.ts';
import { expectedLosses } from './expected.ts';
import { startTraining } from './training.ts';
import { type TrainingName, trainings } from './workloads/index.ts';

const budget = JSON.parse(readFileSync(new URL('../budget.json', import.meta.url), 'utf8')) as Record<string, Made>;
const names = Object.keys(trainings) as TrainingName[];

test('every workload has a budget', () => {
  expect(Object.keys(budget).sort()).toEqual([...names].sort());
});

test.each(names)(
  'a step of %s is made of no more than its budget: npm run budget -w bench writes a new one',
  (name) => {
    expect(excess(name, madeOf(name), budget[name]!)).toEqual([]);
  },
);

test('what is too much is named', () => {
  const made: Made = { nodes: 3, copies: 1, kinds: { Add: 2, Transpose: 1 }, multiplyAdds: 0, megabytes: 1 };
  const least: Made = { nodes: 2, copies: 0, kinds: { Add: 2 }, multiplyAdds: 0, megabytes: 1 };
  expect(excess('small', made, made)).toEqual([]);
  expect(excess('small', made, least)).toMatchInlineSnapshot(`
    [
      "small: expected at most 2 nodes, got 3",
      "small: expected at most 0 nodes that copy, got 1",
      "small: expected at most 0 nodes Transpose, got 1",
    ]
  `);
});

/** Short steps alone: what is printed is for people to look at, and judged by nobody. */
test.each([
  'perExample',
  'chunked',
  'setEncoder',
  'denseHead',
  'perExampleConv',
  'chunkedLarge',
  'expertsConv',
  'adapters',
] as const)('%s runs', async (name) => {
  const engine = ortEngine({ threads: 1, spinning: false });
  const training = await startTraining(engine, trainings[name], batchSizes[name], seededInputs(name));
  const losses = [...(await training.step())];
  const start = performance.now();
  const taken = await training.step();
  const ms = (performance.now() - start) / taken.length;
  process.stdout.write(`${name}: ${ms.toFixed(2)} ms a step, compiled in ${training.compileMs.toFixed(0)} ms\n`);
  losses.push(...taken);
  expect(losses[0]).toBeCloseTo(expectedLosses[`${name}.${batchSizes[name]}`]![0], 4);
  expect(losses.every(Number.isFinite)).toBe(true);
  await training.dispose();
  await engine.dispose();
});
