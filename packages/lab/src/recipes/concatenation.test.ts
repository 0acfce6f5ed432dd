import * as nn from 'hyperloom/nn';
import { expect, test } from 'vitest';
import { matched } from './concatenation.ts';

/** A model of width squared parameters. */
const square = (width: number) => ({ width, spec: nn.linear({ in: width, out: width, bias: false }).spec });

test('the model of a family whose number of parameters is nearest', () => {
  const nearest = (parameters: number) => {
    const widths = Array.from({ length: 40 }, (_, i) => i + 1);
    const miss = (width: number) => Math.abs(width ** 2 - parameters);
    return widths.reduce((best, width) => (miss(width) <= miss(best) ? width : best));
  };
  for (let parameters = 0; parameters < 1_000; parameters++)
    expect(matched(parameters, square).width).toBe(nearest(parameters));
});

test('a large one is found in few attempts', () => {
  let made = 0;
  const found = matched(10 ** 14, (width) => {
    made += 1;
    return square(width);
  });
  expect(found.width).toBe(10 ** 7);
  expect(made).toBeLessThan(100);
});
