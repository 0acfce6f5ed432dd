import { threefryBlock } from '../tensor/ops/threefry.ts';

/**
 * Random numbers on the host, for the order and the augmentation of examples. Every stream is a pure function of the
 * numbers that name it, so a run that resumes at step k draws what it would have drawn.
 */
export interface Random {
  /** 32 random bits, as an integer from 0 to 2^32 - 1. */
  bits(): number;
  /** A uniform integer from 0 to `n` - 1, without bias. `n` is from 1 to 2^32. */
  below(n: number): number;
  /** A uniform number in [0, 1), a multiple of 2^-32. */
  uniform(): number;
}

/**
 * The stream named by a list of whole numbers below 2^53, for example seed, purpose, step, row. Counter-based: the names
 * are folded into a Threefry key, and block i of the stream is the cipher of i under it.
 * @example
 * const random = randomAt(7, 0);
 * const die = 1 + random.below(6); // the same in every run
 */
export function randomAt(...names: number[]): Random {
  const [key0, key1] = names.reduce<[number, number]>(
    ([k0, k1], name) => threefryBlock(k0, k1, name >>> 0, Math.floor(name / 2 ** 32)),
    [0, 0],
  );
  let count = 0;
  let second = 0;
  const bits = () => {
    if (count++ % 2 === 1) return second;
    const block = threefryBlock(key0, key1, count >>> 1, 0);
    second = block[1];
    return block[0];
  };
  return {
    bits,
    below: (n) => {
      const limit = 2 ** 32 - (2 ** 32 % n);
      for (;;) {
        const drawn = bits();
        if (drawn < limit) return drawn % n;
      }
    },
    uniform: () => bits() / 2 ** 32,
  };
}

/** The integers from 0 to `n` - 1 in random order (Fisher and Yates). */
export function permutation(random: Random, n: number): Uint32Array {
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const j = random.below(i + 1);
    order[i] = order[j] as number;
    order[j] = i;
  }
  return order;
}
