import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataType,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from 'onnx-buf';
import type { Aval, DType, TypedArray } from '../tensor/index.ts';

type Init<T extends Parameters<typeof create>[0]> = MessageInitShape<T>;

/** An attribute of an ONNX node. Whole numbers become ints; write `{ float }` where the schema wants a float. */
export type NodeAttr = number | string | readonly number[] | { readonly float: number };

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

/** A whole graph. */
export interface Graph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: readonly (Aval & { readonly name: string })[];
  readonly outputs: readonly (Aval & { readonly name: string })[];
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

/** The newest operator set that every node is written for, and the file format that goes with it. */
const opset = 21n;
const irVersion = 10n;

function attribute(name: string, value: NodeAttr): Init<typeof AttributeProtoSchema> {
  if (typeof value === 'number') return { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) };
  if (typeof value === 'string')
    return { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: AttributeProto_AttributeType.FLOAT, f: value.float };
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

const valueInfo = ({ name, dtype, shape }: Aval & { name: string }): Init<typeof ValueInfoProtoSchema> => ({
  name,
  type: {
    value: {
      case: 'tensorType',
      value: {
        elemType: dataTypes[dtype],
        shape: { dim: shape.map((d) => ({ value: { case: 'dimValue', value: BigInt(d) } })) },
      },
    },
  },
});

/** The bytes of an ONNX file. The same graph gives the same bytes. */
export function encodeModel({ nodes, initializers, inputs, outputs }: Graph): Uint8Array {
  const domains = new Set(nodes.map(({ domain }) => domain));
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: 'hyperloom',
    opsetImport: [
      { domain: '', version: opset },
      ...[...domains].filter((domain) => domain !== '').map((domain) => ({ domain, version: 1n })),
    ],
    graph: {
      name: 'program',
      node: nodes.map(node),
      initializer: initializers.map(initializer),
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo),
    },
  });
  return toBinary(ModelProtoSchema, model);
}
