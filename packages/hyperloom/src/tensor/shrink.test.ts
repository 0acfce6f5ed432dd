import { type Aval, evaluate, type NdArray, programCost, shrink, type Tensor, trace } from './index.ts';
import { distance } from './testing.ts';

const _f64 = (...shape: number[]): Aval => ({ dtype: 'float64', shape });

/** A function of named arrays and x, with and without what the arrays make 0. */
function _both(f: (w: never, x: Tensor) => Tensor, arrays: Readonly<Record<string, NdArray>>, x: NdArray) {
  const { program } = trace(f as never, arrays, { dtype: x.dtype, shape: x.shape });
  const shrunk = shrink(program, arrays, { settled: (name) => name.startsWith('gate') });
  const result = (own: typeof program, held: Readonly<Record<string, NdArray>>) => [
    ...evaluate(
      own,
      own.inputs.map(({ name }) => held[name] ?? x),
    )[0]!.data,
  ];
  const shapes = Object.fromEntries(Object.entries(shrunk.arrays).map(([name, { shape }]) => [name, shape]));
  return {
    shapes,
    removed: shrunk.removed,
    error: distance(result(program, arrays), result(shrunk.program, shrunk.arrays)),
    multiplyAdds: [program, shrunk.program].map((own) => programCost(own).multiplyAdds),
  };
}
