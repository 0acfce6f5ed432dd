import { expect, test } from 'vitest';
import { hyperResnet } from './hyperResnet.ts';
import { figuresOf } from './testing.ts';

test('a short form learns digits from few parameters', async () => {
  const figures = await figuresOf(hyperResnet, {
    steps: 60,
    settings: { depth: 10, embedding: 8, stride: 4, control: false },
  });
  // A guess is right once in ten.
  expect(figures.main!.accuracy).toBeGreaterThan(0.6);
  expect(Object.keys(figures)).toEqual(['main']);
});

test('the narrow network has no more parameters than the hyper one, and one more channel would', async () => {
  const settings = Object.fromEntries(
    Object.entries(hyperResnet.options).map(([key, option]) => [key, option.default]),
  );
  const { counts, trials } = await hyperResnet.prepare(settings, { seed: 0 });
  expect(trials.map(({ name }) => name)).toEqual(['main', 'control', 'narrow']);
  expect(counts).toMatchInlineSnapshot(`
    {
      "multiplyAdds.generation": 6668288,
      "multiplyAdds.image": 5480128,
      "params.direct": 172730,
      "params.generated": 170496,
      "params.generator": 24016,
      "params.narrow": 24820,
      "params.total": 26250,
    }
  `);
});
