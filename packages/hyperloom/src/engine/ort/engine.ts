import type { InferenceSession } from 'onnxruntime-common';
import { toOnnx } from '../../onnx/index.ts';
import { EngineError, type Program } from '../../tensor/index.ts';
import type { Engine, Executable } from '../engine.ts';
import { nodeRuntime } from './node.ts';
import { blockSize } from './probe.ts';
import type { Runtime } from './runtime.ts';
import { engineError, ProgramSession } from './session.ts';

/** Settings of {@link ortEngine}. */
export interface OrtOptions {
  /** The build of ONNX Runtime; onnxruntime-node when absent. */
  readonly runtime?: Runtime;
  /** Threads that one operation may use; the number of cores when absent. */
  readonly threads?: number;
  /** Execution providers in order of preference: `cpu` (when absent), `cuda`, `webgpu`, `wasm` ... */
  readonly providers?: readonly InferenceSession.ExecutionProviderConfig[];
  /** Whether idle threads spin for a while before they sleep: quicker steps against an idle processor. On by default. */
  readonly spinning?: boolean;
  /** Channels in a block of the blocked convolution kernels: the processor's, which is asked when absent, or 0 to do without. */
  readonly block?: 0 | 8 | 16;
  /** Writes a profile of every session to a JSON file whose name begins so. */
  readonly profile?: string;
}

/** A session in use by one or more executables of the same model. */
interface Shared {
  readonly session: Promise<InferenceSession>;
  users: number;
}

/** {@link Engine} by ONNX Runtime. */
export interface OrtEngine extends Engine {
  /** Number of models that are loaded. */
  readonly sessions: number;
}

/**
 * An engine that runs programs with ONNX Runtime. Programs that give the same model share one session.
 * @throws EngineError from `compile` when the runtime is not there or refuses a model, or for blocks that
 *   the processor does not have; DTypeError for float64 programs
 * @example
 * const engine = ortEngine({ threads: 2 });
 * const double = await compileFunction(engine, (x: Tensor) => mul(x, 2), { dtype: 'float32', shape: [2] });
 * const y = await double(ndarray([1, 2])); // [2, 4]
 * await engine.dispose();
 */
export function ortEngine(options: OrtOptions = {}): OrtEngine {
  const models = new Map<string, Shared>();
  let loaded: Promise<Runtime> | undefined;
  let open = true;
  const settings = ({ session }: Runtime): InferenceSession.SessionOptions => ({
    ...session,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // What goes wrong is thrown; the runtime need not print it too.
    logSeverityLevel: 4,
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
    ...(options.providers !== undefined && { executionProviders: options.providers }),
    ...(options.profile !== undefined && { enableProfiling: true, profileFilePrefix: options.profile }),
    extra: {
      session: { intra_op: { allow_spinning: options.spinning === false ? '0' : '1' } },
      // They join fast moves of an axis to one slow reordering.
      optimization: { disable_specified_optimizers: 'TransposeOptimizer;TransposeOptimizer_CPUExecutionProvider' },
    },
  });

  async function share(program: Program, runtime: Runtime): Promise<{ key: string; shared: Shared }> {
    const model = toOnnx(program, { block: await blockFor(runtime, options) });
    const key = await digest(model);
    const shared = models.get(key) ?? {
      session: runtime.module.InferenceSession.create(model, settings(runtime)),
      users: 0,
    };
    models.set(key, shared);
    shared.users++;
    return { key, shared };
  }

  async function leave(key: string, shared: Shared): Promise<void> {
    if (--shared.users > 0) return;
    if (models.get(key) === shared) models.delete(key);
    await (await shared.session).release();
  }

  return {
    name: 'ort',
    get sessions() {
      return models.size;
    },
    async compile(program): Promise<Executable> {
      if (!open) throw new EngineError('ort: expected an engine in use, got one that was disposed');
      loaded ??= options.runtime === undefined ? nodeRuntime() : Promise.resolve(options.runtime);
      const runtime = await loaded;
      const { key, shared } = await share(program, runtime);
      const session = await shared.session.catch((cause) => {
        if (--shared.users === 0) models.delete(key);
        throw engineError('compile', cause);
      });
      const own = new ProgramSession(runtime.module, session, program);
      let inUse = true;
      return {
        run: async (inputs, into) => {
          if (!(inUse && open)) throw new EngineError('ort: expected a program in use, got one that was disposed');
          return own.run(inputs, into);
        },
        dispose: async () => {
          if (inUse && open) await leave(key, shared);
          inUse = false;
        },
      };
    },
    async dispose() {
      open = false;
      const all = [...models.values()];
      models.clear();
      for (const { session } of all) await (await session).release();
    },
  };
}

/** Blocked kernels are the processor's: other providers have their own convolutions. */
const blockFor = async (runtime: Runtime, { block, providers = ['cpu'] }: OrtOptions): Promise<0 | 8 | 16> => {
  if (block === 0) return 0;
  if (block !== undefined) {
    // Kernels of another width give other numbers, and no error.
    const own = await blockSize(runtime);
    if (block !== own)
      throw new EngineError(`ort: expected a block of ${own}, as this processor has, or 0, got ${block}`);
    return block;
  }
  const [first] = providers;
  return (typeof first === 'string' ? first : first?.name) === 'cpu' ? blockSize(runtime) : 0;
};

async function digest(model: Uint8Array): Promise<string> {
  const hash = await globalThis.crypto.subtle.digest('SHA-256', model as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
