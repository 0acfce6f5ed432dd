import { fromBinary } from '@bufbuild/protobuf';
import { nodeRuntime, type Runtime } from 'hyperloom/engine/ort';
import type { Program } from 'hyperloom/tensor';
import { type GraphProto, ModelProtoSchema } from 'onnx-buf';

/** Nodes of a program or a model, and those in the bodies of its loops. */
export interface NodeCounts {
  readonly outside: number;
  readonly inside: number;
}

/** Nodes of a program; the body of a loop lies in an attribute of its node. */
export function programNodes({ nodes }: Program): NodeCounts {
  const bodies = nodes.flatMap(({ attrs }) => ('body' in attrs ? [programNodes(attrs.body as Program)] : []));
  return counted(nodes.length, bodies);
}

function graphNodes({ node }: GraphProto): NodeCounts {
  const bodies = node.flatMap(({ attribute }) => attribute.flatMap(({ g }) => (g ? [graphNodes(g)] : [])));
  return counted(node.length, bodies);
}

const counted = (outside: number, bodies: readonly NodeCounts[]): NodeCounts => ({
  outside,
  inside: bodies.reduce((sum, body) => sum + body.outside + body.inside, 0),
});

/** A runtime that keeps the last model that it was given. */
export interface Recording {
  readonly runtime: Runtime;
  /** Nodes of that model, as handed over: ONNX Runtime fuses some of them afterwards. */
  onnxNodes(): NodeCounts;
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
    onnxNodes: () => {
      const { graph } = fromBinary(ModelProtoSchema, last);
      return graph ? graphNodes(graph) : counted(0, []);
    },
  };
}
