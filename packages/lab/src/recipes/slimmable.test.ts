import { expect, test } from 'vitest';
import { slimmable } from './slimmable.ts';
import { figuresOf } from './testing.ts';

test('slimmable in short: weights for widths that training met and for others', async () => {
  const { main } = await figuresOf(slimmable, { steps: 200, settings: { control: false, unseen: 3 } });
  expect(main!['error.w100']).toBeLessThan(0.12);
  expect(main!['error.w25']).toBeLessThan(0.35);
  expect(main!['error.unseen']).toBeLessThan(0.3);
  expect(main!['ms.w25']).toBeLessThan(main!['ms.w100']!);
});
