import { batches, evalBatches, scaledBytes } from 'hyperloom/data';
import { ortEngine } from 'hyperloom/engine/ort';
import * as nn from 'hyperloom/nn';
import * as optim from 'hyperloom/optim';
import { ndarray } from 'hyperloom/tensor';
import { train } from 'hyperloom/train';
import { expect, test } from 'vitest';
import { classPictures, confusion, mistakes, predictions } from './confusion.ts';
import type { Trial } from './recipe.ts';

// The brighter of two pixels is the class that is predicted: it is wrong of the last three.
const bytes = [200, 10, 10, 200, 90, 100, 255, 0, 200, 100];
const images = scaledBytes({ dtype: 'uint8', shape: [5, 1, 1, 2], data: Uint8Array.from(bytes) });
const labels = ndarray(Int32Array.from([0, 1, 0, 1, 1]), [5]);
const examples = { input: images, target: labels };
const pixels = nn.sequential({ flatten: nn.flatten, gate: nn.gate() });

test('a classifier is counted by class, and its mistakes are shown, the surest first', async () => {
  const engine = ortEngine({ threads: 1, spinning: false });
  const run = await train(pixels, {
    engine,
    data: batches(examples, { size: 2 }),
    loss: nn.losses.crossEntropy,
    optimizer: optim.adam(0.1),
    steps: 0,
  });
  const read = evalBatches(examples, 2);
  const { classes, sure } = await predictions(run, read);
  expect([...classes]).toEqual([0, 1, 1, 0, 0]);
  for (const [i, p] of sure.entries())
    expect(p).toBeCloseTo(1 / (1 + Math.exp(-Math.abs(bytes[2 * i]! - bytes[2 * i + 1]!) / 255)), 5);
  const counts = await confusion(run, { test: read, labels: labels.data, classes: 2 });
  expect(counts).toEqual([
    [1, 1],
    [2, 1],
  ]);
  expect(mistakes(counts)).toBe('3 wrong of 5');

  const trial = { name: 'main', title: 'pixels' } as Trial;
  const set = { test: read, images: { images, labels }, classes: ['cat', 'dog'] };
  const [matrix, grid] = await classPictures({ trial, run }, set);
  expect([matrix!.name, grid!.name]).toEqual(['confusion.main.svg', 'mistakes.main.svg']);
  const words = [...String(grid!.content).matchAll(/<text[^>]*>([^<]+)/g)].map(([, word]) => word);
  expect(words).toEqual(['pixels: 3 wrong of 5', 'cat', 'dog', 'dog', 'cat', 'cat']);
  const shown = [...String(grid!.content).matchAll(/base64,([^"]+)/g)].map(([, png]) => png);
  expect(new Set(shown).size).toBe(3);

  // Nothing is wrong of a classifier that is told the other way round.
  const right = await classPictures({ trial, run }, { ...set, images: { images, labels: ndarray(classes, [5]) } });
  expect(right.map(({ name }) => name)).toEqual(['confusion.main.svg']);
  await engine.dispose();
});
