import { threefryParity, threefryRotations, threefryRounds } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { Lowerings } from './lowering.ts';

/** The two words of each block, without the axis that held them: shifts of a last axis of size 1 go element by element. */
const words = (b: Builder, x: string): string[] =>
  b
    .nodes('Split', [x, b.ints([1, 1])], { axis: -1 }, { outputs: 2 })
    .map((word) => b.node('Squeeze', [word, b.ints([-1])]));

/** Threefry-2x32 over whole arrays of words. */
export const threefry = {
  threefry: ({ b, inputs: [key, counter] }) => {
    const number = (value: number) => b.scalar('uint32', value);
    const add = (p: string, q: string) => b.node('Add', [p, q]);
    const xor = (p: string, q: string) => b.node('BitwiseXor', [p, q]);
    const shift = (x: string, bits: number, direction: string) => b.node('BitShift', [x, number(bits)], { direction });
    const [key0, key1] = words(b, key!.name()) as [string, string];
    const [counter0, counter1] = words(b, counter!.name()) as [string, string];
    const keys = [key0, key1, xor(xor(key0, key1), number(threefryParity))];
    let x0 = add(counter0, key0);
    let x1 = add(counter1, key1);
    for (let round = 0; round < threefryRounds; round++) {
      const rotation = threefryRotations[round % 8] as number;
      x0 = add(x0, x1);
      // The two parts of a rotated word share no bit, so their sum is their union.
      x1 = xor(add(shift(x1, rotation, 'LEFT'), shift(x1, 32 - rotation, 'RIGHT')), x0);
      if (round % 4 === 3) {
        const injection = (round + 1) / 4;
        x0 = add(x0, keys[injection % 3] as string);
        x1 = add(x1, add(keys[(injection + 1) % 3] as string, number(injection)));
      }
    }
    const columns = [x0, x1].map((word) => b.node('Unsqueeze', [word, b.ints([-1])]));
    return b.node('Concat', columns, { axis: -1 });
  },
} satisfies Partial<Lowerings>;
