import { EngineError } from '../tensor/index.ts';
import type { Engine } from './engine.ts';

let made: Promise<Engine> | undefined;

/**
 * The engine that is used where none is given: ONNX Runtime for Node, made once and shared.
 * @throws EngineError when the package onnxruntime-node is not installed
 * @example
 * const engine = await defaultEngine();
 */
export function defaultEngine(): Promise<Engine> {
  made ??= import('./ort/index.ts').then(({ ortEngine }) => ortEngine());
  return made.catch((cause) => {
    made = undefined;
    throw new EngineError(
      'no engine: expected the package onnxruntime-node; install it with: npm install onnxruntime-node',
      { cause },
    );
  });
}
