import { type Aval, type NdArray, type Program, type Tensor, trace, tree } from '../tensor/index.ts';
import type { Engine } from './engine.ts';

/** Arguments or a result of a traced function, with arrays in place of tensors. */
export type Arrays<T> = tree.Mapped<T, Tensor, NdArray>;

/** A traced function that an engine runs: trees of arrays in, a tree of arrays out. */
export interface CompiledFunction<A extends readonly unknown[], R> {
  (...args: { [K in keyof A]: Arrays<A[K]> }): Promise<Arrays<R>>;
  readonly program: Program;
  dispose(): Promise<void>;
}

/**
 * Traces a function for arguments of given types and shapes, and compiles it.
 * @param specs for each argument, a tree of `{ dtype, shape }` (arrays serve too)
 * @example
 * const double = await compileFunction(referenceEngine(), (x: Tensor) => mul(x, 2), { dtype: 'float32', shape: [2] });
 * const y = await double(ndarray([1, 2])); // [2, 4]
 */
export async function compileFunction<A extends readonly unknown[], R>(
  engine: Engine,
  f: (...args: A) => R,
  ...specs: readonly unknown[]
): Promise<CompiledFunction<A, R>> {
  const { program, output } = trace(f as unknown as (...args: never[]) => R, ...specs);
  const executable = await engine.compile(program);
  const call = async (...args: unknown[]) =>
    tree.unflatten<unknown, Aval, NdArray>(
      output,
      await executable.run(args.flatMap((arg) => tree.leaves<NdArray>(arg))),
    );
  return Object.assign(call, { program, dispose: () => executable.dispose() }) as unknown as CompiledFunction<A, R>;
}

/**
 * Traces, compiles and runs a function once.
 * @example
 * const sums = await runOnce(referenceEngine(), (x: Tensor) => sum(x), ndarray([1, 2, 3])); // 6
 */
export async function runOnce<A extends readonly unknown[], R>(
  engine: Engine,
  f: (...args: A) => R,
  ...args: { [K in keyof A]: Arrays<A[K]> }
): Promise<Arrays<R>> {
  const compiled = await compileFunction(engine, f, ...args);
  try {
    return await compiled(...args);
  } finally {
    await compiled.dispose();
  }
}
