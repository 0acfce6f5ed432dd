import { fromBinary } from '@bufbuild/protobuf';
import { nodeRuntime, type Runtime } from 'hyperloom/engine/ort';
import { ModelProtoSchema } from 'onnx-buf';

/** A runtime that keeps the last model that it was given. */
export interface Recording {
  readonly runtime: Runtime;
  /** Nodes of that model, as handed over: ONNX Runtime fuses some of them afterwards. */
  onnxNodes(): number;
}

/** onnxruntime-node, watched: the figures are of the very model that runs. */
export async function recordedRuntime(): Promise<Recording> {
  const runtime = await nodeRuntime();
  const { InferenceSession } = runtime.module;
  let last = new Uint8Array();
  const create = (...args: Parameters<typeof InferenceSession.create>) => {
    const [model] = args as unknown[];
    if (model instanceof Uint8Array) last = new Uint8Array(model);
    return InferenceSession.create(...args);
  };
  return {
    runtime: {
      ...runtime,
      module: {
        Tensor: runtime.module.Tensor,
        env: runtime.module.env,
        InferenceSession: { create } as typeof InferenceSession,
      },
    },
    onnxNodes: () => fromBinary(ModelProtoSchema, last).graph?.node.length ?? 0,
  };
}
