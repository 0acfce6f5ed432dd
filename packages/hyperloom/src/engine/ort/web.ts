import type { OrtModule, Runtime } from './runtime.ts';

/**
 * ONNX Runtime for pages and workers: pass the module, so that the page decides which build it loads.
 * @example
 * // const engine = ortEngine({ runtime: webRuntime(await import('onnxruntime-web')) });
 */
export function webRuntime(module: OrtModule): Runtime {
  module.env.logLevel = 'fatal';
  return { name: 'onnxruntime-web', module, session: {} };
}
