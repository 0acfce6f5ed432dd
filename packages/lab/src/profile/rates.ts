import { compileFunction, type Engine } from 'hyperloom/engine';
import { add, matmul, slice, type Tensor, zerosArray } from 'hyperloom/tensor';

/** What this machine does at best, as measured. */
export interface Rates {
  /** Multiply-adds a second, of a large product. */
  readonly multiplyAdds: number;
  /** Bytes a second that additions of arrays larger than the caches read and write. */
  readonly bytes: number;
}

/** The best of several runs, in seconds. */
async function best(run: () => Promise<unknown>, times: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await run();
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}

/** Measures a product of two matrices of 1,024 by 1,024, and sums of arrays of 64 MB. */
export async function measureRates(engine: Engine): Promise<Rates> {
  const n = 1024;
  const square = zerosArray('float32', [n, n]);
  const product = await compileFunction(engine, (a: Tensor, b: Tensor) => matmul(a, b), square, square);
  const long = zerosArray('float32', [16 * n * n]);
  // Many in a row, of which one number is left: the memory of the first serves the others.
  const sums = (a: Tensor, b: Tensor) => {
    let x = add(a, b);
    for (let i = 1; i < additions; i++) x = add(x, b);
    return slice(x, [[0, 1]]);
  };
  const total = await compileFunction(engine, sums, long, long);
  const rates = {
    multiplyAdds: n ** 3 / (await best(() => product(square, square), 20)),
    bytes: (additions * 3 * long.data.byteLength) / (await best(() => total(long, long), 4)),
  };
  await product.dispose();
  await total.dispose();
  return rates;
}

/** Additions in a row. */
const additions = 6;
