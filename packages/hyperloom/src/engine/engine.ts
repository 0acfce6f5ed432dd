import type { NdArray, Program } from '../tensor/index.ts';

/** Something that runs programs. Every engine is held to the reference engine by one contract suite. */
export interface Engine {
  readonly name: string;
  /** Whether a call costs no more than its operations do, so that nothing is won by several steps in one. */
  readonly direct?: boolean;
  /** Prepares a program to run. Compiling the same program again is cheap. */
  compile(program: Program): Promise<Executable>;
  /** Releases everything that the engine holds; its executables cannot run afterwards. */
  dispose(): Promise<void>;
}

/** A program that is ready to run. */
export interface Executable {
  /**
   * Runs the program once.
   * @param inputs one array for each input of the program, of its type and shape
   * @param into arrays for the outputs, which are written in place and returned; fresh ones when absent. They must
   * not share memory with the inputs.
   * @throws ShapeError or DTypeError when an array does not fit, EngineError when the engine fails
   */
  run(inputs: readonly NdArray[], into?: readonly NdArray[]): Promise<readonly NdArray[]>;
  /** Releases what this executable holds. */
  dispose(): Promise<void>;
}
