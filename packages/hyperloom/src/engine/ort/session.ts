import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { type Aval, EngineError, type NdArray, type Program, type TypedArray } from '../../tensor/index.ts';
import { checkInputs, checkInto, outputTypes } from '../check.ts';
import type { OrtModule } from './runtime.ts';

/** ONNX Runtime's message in one line: what failed, and in which node. */
function shortened(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const node = /running (?:\w+ )?node\. Name:'([^']*)'/.exec(text)?.[1];
  const status = /Status Message: ([\s\S]*)/.exec(text)?.[1] ?? text;
  // The first parts of a message from its own sources: file, line, function.
  const reason = status.replace(/\s+/g, ' ').replace(/\S+\.(?:cc|h):\d+ .*?\) /, '');
  return `${node === undefined ? '' : `${node}: `}${reason.slice(0, 300)}`;
}

/** An error of the runtime as ours. */
export const engineError = (action: string, cause: unknown): EngineError =>
  new EngineError(`ort: ${action}: ${shortened(cause)}`, { cause });

/** Runs one program in a session. */
export class ProgramSession {
  readonly #module: OrtModule;
  readonly #session: InferenceSession;
  readonly #program: Program;
  readonly #types: readonly Aval[];
  /** The runtime's views of arrays that were passed before; it reads and writes their memory in place. */
  readonly #views = new WeakMap<NdArray, OrtTensor>();

  constructor(module: OrtModule, session: InferenceSession, program: Program) {
    this.#module = module;
    this.#session = session;
    this.#program = program;
    this.#types = outputTypes(program);
  }

  async run(inputs: readonly NdArray[], into?: readonly NdArray[]): Promise<readonly NdArray[]> {
    checkInputs(this.#program, inputs);
    if (into) checkInto(this.#program, this.#types, into);
    const feeds: Record<string, OrtTensor> = {};
    this.#session.inputNames.forEach((name, i) => {
      feeds[name] = this.#view(inputs[i] as NdArray);
    });
    const names = this.#session.outputNames;
    try {
      if (into === undefined) {
        const results = await this.#session.run(feeds);
        return this.#types.map(({ dtype, shape }, i) => ({
          dtype,
          shape,
          data: results[names[i] as string]!.data as TypedArray,
        }));
      }
      const fetches: Record<string, OrtTensor> = {};
      names.forEach((name, i) => {
        fetches[name] = this.#view(into[i] as NdArray);
      });
      await this.#session.run(feeds, fetches);
      return into;
    } catch (cause) {
      throw engineError('run', cause);
    }
  }

  #view(array: NdArray): OrtTensor {
    let view = this.#views.get(array);
    if (view === undefined) {
      const { Tensor } = this.#module;
      // The constructor's overloads tie each type to its storage; NdArray has checked that already.
      view = new Tensor(array.dtype as 'float32', array.data as Float32Array, array.shape);
      this.#views.set(array, view);
    }
    return view;
  }
}
