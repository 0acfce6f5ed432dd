import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  type GraphProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataType,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';
import type { Aval, DType, TypedArray } from '../tensor/index.ts';

type Init<T extends Parameters<typeof create>[0]> = MessageInitShape<T>;

/** An attribute of an ONNX node. Whole numbers become ints; write `{ float }` where the schema wants a float. */
export type NodeAttr = number | string | readonly number[] | { readonly float: number } | { readonly graph: Graph };

/** One node of the graph under construction. */
export interface OnnxNode {
  readonly name: string;
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: Readonly<Record<string, NodeAttr>>;
}

/** A constant of the graph. `int64` stands for shapes and axes, which only ONNX wants. */
export interface Initializer {
  readonly name: string;
  readonly dtype: DType | 'int64';
  readonly shape: readonly number[];
  readonly data: TypedArray | BigInt64Array;
}

/** What goes into a graph or comes out of it. */
export interface GraphValue extends Aval {
  readonly name: string;
  /** The name of a first axis whose size is open until the graph runs; its size in `shape` then means nothing. */
  readonly openAxis?: string;
}

/** A whole graph, or the body of a node that has one. */
export interface Graph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

/** The graphs inside a node. */
export const graphsOf = ({ attrs }: OnnxNode): Graph[] =>
  Object.values(attrs).flatMap((attr) => (typeof attr === 'object' && 'graph' in attr ? [attr.graph] : []));

/** Every node of a graph and of the graphs inside it. */
export const nodesWithin = ({ nodes }: Graph): OnnxNode[] =>
  nodes.flatMap((node) => [node, ...graphsOf(node).flatMap(nodesWithin)]);

/** The version of the operators, and of the file format that goes with it. */
export interface Version {
  readonly opset: number;
  readonly ir: number;
}

const dataTypes: Readonly<Record<DType | 'int64', TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  int32: TensorProto_DataType.INT32,
  uint32: TensorProto_DataType.UINT32,
  bool: TensorProto_DataType.BOOL,
  int64: TensorProto_DataType.INT64,
};

/** ONNX's number for an element type, as the attribute `to` of Cast takes it. */
export const dataType = (dtype: DType | 'int64'): number => dataTypes[dtype];

/** What ONNX Runtime is given to run. */
const newest: Version = { opset: 21, ir: 10 };

function attribute(name: string, value: NodeAttr): Init<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string')
    return { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: AttributeProto_AttributeType.FLOAT, f: value.float };
  if ('graph' in value) return { name, type: AttributeProto_AttributeType.GRAPH, g: graphOf(name, value.graph) };
  return { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) };
}

const node = ({ name, type, domain, inputs, outputs, attrs }: OnnxNode): Init<typeof NodeProtoSchema> => ({
  name,
  opType: type,
  domain,
  input: [...inputs],
  output: [...outputs],
  attribute: Object.entries(attrs).map(([key, value]) => attribute(key, value)),
});

const initializer = ({ name, dtype, shape, data }: Initializer): Init<typeof TensorProtoSchema> => ({
  name,
  dataType: dataTypes[dtype],
  dims: shape.map(BigInt),
  // A copy: the bytes of a typed array may be part of a larger buffer, or of a shared one.
  rawData: new Uint8Array(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
});

const valueInfo = ({ name, dtype, shape, openAxis }: GraphValue): Init<typeof ValueInfoProtoSchema> => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: dataTypes[dtype],
        shape: {
          dim: shape.map((d, axis) => ({
            value:
              axis === 0 && openAxis !== undefined
                ? { case: 'dimParam', value: openAxis }
                : { case: 'dimValue', value: BigInt(d) },
          })),
        },
      },
    },
  },
});

const graphOf = (name: string, graph: Graph): Init<typeof GraphProtoSchema> => ({
  name,
  node: graph.nodes.map(node),
  initializer: graph.initializers.map(initializer),
  input: graph.inputs.map(valueInfo),
  output: graph.outputs.map(valueInfo),
});

/** The bytes of an ONNX file. The same graph gives the same bytes. */
export function encodeModel(graph: Graph, { opset, ir }: Version = newest): Uint8Array {
  const domains = new Set(nodesWithin(graph).map(({ domain }) => domain));
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(ir),
    producerName: 'hyperloom',
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      ...[...domains].filter((domain) => domain !== '').map((domain) => ({ domain, version: 1n })),
    ],
    graph: graphOf('program', graph),
  });
  return toBinary(ModelProtoSchema, model);
}
