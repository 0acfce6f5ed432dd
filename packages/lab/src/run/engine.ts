import { defaultEngine, type Engine, runOnce } from 'hyperloom/engine';
import { ortEngine } from 'hyperloom/engine/ort';
import { ArgumentError, add, ndarray, type Tensor } from 'hyperloom/tensor';

/** Where and how the commands run their programs. */
export interface EngineFlags {
  /** Threads of one operation; all cores when absent. */
  readonly threads?: number;
  /** An execution provider of ONNX Runtime; `cpu` when absent. */
  readonly provider?: string;
}

/**
 * The engine of a command.
 * @throws ArgumentError for a provider that onnxruntime-node does not list, or that does not start on this machine
 */
export async function engineOf({ threads, provider = 'cpu' }: EngineFlags): Promise<Engine> {
  if (provider === 'cpu') return threads === undefined ? defaultEngine() : ortEngine({ threads });
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const { listSupportedBackends } = await import('onnxruntime-node');
  const known = listSupportedBackends().map(({ name }) => name);
  if (!known.includes(provider))
    throw new ArgumentError(`--provider: expected one of ${known.join(', ')}, got "${provider}"`);
  const engine = ortEngine({ providers: [provider, 'cpu'], ...(threads !== undefined && { threads }) });
  // Providers are started by their first program: a small one tells before any work is begun.
  try {
    await runOnce(engine, (x: Tensor) => add(x, 1), ndarray([1]));
  } catch (cause) {
    await engine.dispose();
    const why = (cause as Error).message;
    throw new ArgumentError(`--provider: expected one that starts on this machine, got "${provider}": ${why}`, {
      cause,
    });
  }
  return engine;
}
