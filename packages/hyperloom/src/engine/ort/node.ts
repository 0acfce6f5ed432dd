import { availableParallelism } from 'node:os';
import { EngineError } from '../../tensor/index.ts';
import type { Runtime } from './runtime.ts';

/**
 * ONNX Runtime for Node. Its usage telemetry, which is on by default and writes below the user's folders, is switched
 * off before the package is loaded; set ORT_DISABLE_TELEMETRY yourself to decide otherwise.
 * @throws EngineError when the package is not installed or has no binary for this machine
 */
export async function nodeRuntime(): Promise<Runtime> {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  try {
    const module = await import('onnxruntime-node');
    module.env.logLevel = 'fatal';
    return { name: 'onnxruntime-node', module, session: { intraOpNumThreads: availableParallelism() } };
  } catch (cause) {
    const missing = (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
    throw new EngineError(
      missing
        ? 'ort: expected the package onnxruntime-node; install it with: npm install onnxruntime-node'
        : `ort: onnxruntime-node did not load: ${(cause as Error).message.split('\n')[0]}`,
      { cause },
    );
  }
}
