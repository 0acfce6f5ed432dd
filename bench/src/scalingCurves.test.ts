import { ortEngine } from 'hyperloom/engine/ort';
import { countParams } from 'hyperloom/nn';
import { adam } from 'hyperloom/optim';
import { train } from 'hyperloom/train';
import { expect, test } from 'vitest';
import { curves } from './scalingCurves.ts';

test.each(Object.entries(curves))('the smallest point of %s trains', async (_, { sizes, make }) => {
  const { model, loss, batch } = make(sizes[0]!);
  const engine = ortEngine({ threads: 1, spinning: false });
  const data = { spec: batch, at: () => batch };
  const run = await train(model, { data: data as never, loss, optimizer: adam(1e-3), steps: 30, engine, logEvery: 1 });
  const losses = run.history.flatMap((event) => (event.event === 'step' ? [event.loss] : []));
  expect(losses.at(-1)!).toBeLessThan(losses[0]!);
  await run.dispose();
  await engine.dispose();
});

test('a target has about as many weights as its size says', () => {
  for (const size of [1e4, 1e6]) {
    const { generated } = curves.target!.make(size).model as unknown as { readonly generated: unknown };
    expect(countParams(generated) / size).toBeCloseTo(1, 1);
  }
});
