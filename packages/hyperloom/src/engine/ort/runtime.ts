import type { InferenceSession, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';

/** What onnxruntime-node and onnxruntime-web have in common. */
export interface OrtModule {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
  readonly env: { logLevel?: 'verbose' | 'info' | 'warning' | 'error' | 'fatal' | undefined };
}

/** A build of ONNX Runtime, and where it runs. */
export interface Runtime {
  readonly name: string;
  readonly module: OrtModule;
  /** Options for every session that come from the place rather than the caller. */
  readonly session: InferenceSession.SessionOptions;
}
