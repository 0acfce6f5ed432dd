/** The weights and data that every side of the benchmark starts from: their layout, seeded values, and their file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hyperfanIn } from 'hyperloom/hyper';
import { mlp } from 'hyperloom/nn';
import { tree } from 'hyperloom/tensor';
import { multipliers, unitModel } from '../../packages/hyperloom/src/hyper/generator/unit.ts';

export type Workload =
  | 'mnist'
  | 'perExample'
  | 'perExampleConv'
  | 'denseHead'
  | 'chunked'
  | 'chunkedLarge'
  | 'expertsConv'
  | 'adapters'
  | 'setEncoder'
  | 'inference'
  | 'hyperLstm'
  | 'hyperLstmLong'
  | 'lstm'
  | 'sampling'
  | 'cartPole';
export type DType = 'float32' | 'int32';

export interface InputTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

export type Inputs = Readonly<Record<string, InputTensor>>;

/** Extents of a tensor; 'rows' stands for the number of examples. */
interface Layout {
  readonly shape: readonly (number | 'rows')[];
  /** Values are uniform within scale of the centre, or class labels below scale. */
  readonly scale: number;
  /** 0 unless given. */
  readonly centre?: number;
  readonly dtype?: DType;
  /** In place of seeded numbers. */
  readonly values?: () => Float32Array<ArrayBuffer>;
}

/** Of the recurrent workloads. */
const symbols = 64;

/**
 * A HyperLSTM of 128 units with a small cell of 32 and codes of 4, layer-normalised, and the layer that scores symbols.
 * The scales are near 1: at the 0.1 where training would start, the norms divide by deviations as small as their
 * epsilon, and rounding is 10,000 times as large in the losses after 20 steps.
 */
const hyperLstm: Readonly<Record<string, Layout>> = {
  input: { shape: [symbols, 512], scale: 1 },
  hidden: { shape: [128, 512], scale: 0.15 },
  bias: { shape: [512], scale: 0.1 },
  'norm.gates.scale': { shape: [512], scale: 0.1, centre: 1 },
  'norm.gates.shift': { shape: [512], scale: 0.1 },
  'norm.cell.scale': { shape: [128], scale: 0.1, centre: 1 },
  'norm.cell.shift': { shape: [128], scale: 0.1 },
  'hyper.input': { shape: [128 + symbols, 128], scale: 0.3 },
  'hyper.hidden': { shape: [32, 128], scale: 0.3 },
  'hyper.norm.gates.scale': { shape: [128], scale: 0.1, centre: 1 },
  'hyper.norm.gates.shift': { shape: [128], scale: 0.1 },
  'hyper.norm.cell.scale': { shape: [32], scale: 0.1, centre: 1 },
  'hyper.norm.cell.shift': { shape: [32], scale: 0.1 },
  'rescale.scale.codes': { shape: [32, 32], scale: 0.1 },
  'rescale.scale.bias': { shape: [32], scale: 0.1, centre: 1 },
  'rescale.scale.rows': { shape: [32, 128], scale: 0.1, centre: 0.25 },
  'rescale.shift.codes': { shape: [32, 16], scale: 0.1 },
  'rescale.shift.rows': { shape: [16, 128], scale: 0.1 },
  'out.weight': { shape: [128, symbols], scale: 0.15 },
  'out.bias': { shape: [symbols], scale: 0.1 },
};

/** A chunked head over 784-width-width-10: rows of a learned embedding, a layer of 64, and pieces of one vector. */
const chunked = (width: number, chunk: number): Readonly<Record<string, Layout>> => {
  const count = 784 * width + width + width * width + width + width * 10 + 10;
  return {
    'code.code': { shape: [8], scale: 1 },
    'head.embeddings': { shape: [Math.ceil(count / chunk), 8], scale: 1.7 },
    'head.hidden.0.weight': { shape: [16, 64], scale: 0.6 },
    'head.hidden.0.bias': { shape: [64], scale: 0.1 },
    'head.out.weight': { shape: [64, chunk], scale: 0.2 },
    'head.out.bias': { shape: [chunk], scale: 0.1 },
    'fixed.multipliers': { shape: [count], scale: 1, values: () => chunkMultipliers(width) },
    'data.x': { shape: ['rows', 784], scale: 1 },
    'data.y': { shape: ['rows'], scale: 10, dtype: 'int32' },
  };
};

/** By which the library's head multiplies each number of a chunk: signs, and how large each weight is to be. */
function chunkMultipliers(width: number): Float32Array<ArrayBuffer> {
  const target = tree.flatten(mlp({ in: 784, hidden: [width, width], out: 10 }).spec) as never;
  return Float32Array.from(multipliers(target, unitModel(target), hyperfanIn()));
}

/** Blocks of the transformer of `adapters`, elements of a token, tokens, and the rank of its adapters. */
export const adapted = { blocks: 4, size: 256, tokens: 32, rank: 4, code: 16 } as const;

/** Factors for query and value of each block, from a code; all else of the transformer is fixed. */
function adapters(): Record<string, Layout> {
  const { blocks, size, tokens, rank, code } = adapted;
  const layout: Record<string, Layout> = {};
  for (let b = 0; b < blocks; b++) {
    const name = `block${b}`;
    for (const matrix of ['query', 'value'])
      for (const [factor, scale] of [
        ['a', 0.1],
        ['b', 0.02],
      ] as const) {
        const path = `head.factors.${name}.attention.${matrix}.weight.${factor}`;
        layout[`${path}.weight`] = { shape: [code, size * rank], scale };
        layout[`${path}.bias`] = { shape: [size * rank], scale };
      }
    const fixed = (path: string, shape: readonly number[], scale: number, centre = 0) => {
      layout[`fixed.${path}`] = { shape, scale, centre };
    };
    for (const matrix of ['query', 'value']) fixed(`base.${name}.attention.${matrix}.weight`, [size, size], 0.1);
    for (const matrix of ['key', 'out']) fixed(`target.${name}.attention.${matrix}.weight`, [size, size], 0.1);
    for (const matrix of ['query', 'value', 'out']) fixed(`target.${name}.attention.${matrix}.bias`, [size], 0.1);
    for (const norm of ['norm1', 'norm2']) {
      fixed(`target.${name}.${norm}.scale`, [size], 0.1, 1);
      fixed(`target.${name}.${norm}.shift`, [size], 0.1);
    }
    fixed(`target.${name}.mlp.layer0.weight`, [size, 4 * size], 0.1);
    fixed(`target.${name}.mlp.layer0.bias`, [4 * size], 0.1);
    fixed(`target.${name}.mlp.layer1.weight`, [4 * size, size], 0.05);
    fixed(`target.${name}.mlp.layer1.bias`, [size], 0.1);
  }
  return {
    ...layout,
    'data.codes': { shape: ['rows', code], scale: 1 },
    'data.x': { shape: ['rows', tokens, size], scale: 1.7 },
    'data.y': { shape: ['rows', tokens, size], scale: 1 },
  };
}

/** A dense head of one hidden layer over a target, whose weights are [in, out]: an affine layer for each. */
function denseOuts(target: Readonly<Record<string, readonly number[]>>, hidden: number): Record<string, Layout> {
  return Object.fromEntries(
    Object.entries(target).flatMap(([path, shape]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [
        [`head.out.${path}.weight`, { shape: [hidden, size], scale: 0.05 }],
        [`head.out.${path}.bias`, { shape: [size], scale: 0.2 }],
      ];
    }),
  );
}

/** Weights of 1-40-40-1. */
const curve = {
  'layer0.weight': [1, 40],
  'layer0.bias': [40],
  'layer1.weight': [40, 40],
  'layer1.bias': [40],
  'layer2.weight': [40, 1],
  'layer2.bias': [1],
} as const;

/** Steps of each cart-pole in a call. */
export const cartPoleSteps = 128;

/** Sequences of symbols, and the symbol that comes after each. */
const text = (steps: number): Readonly<Record<string, Layout>> => ({
  'data.x': { shape: ['rows', steps], scale: symbols, dtype: 'int32' },
  'data.y': { shape: ['rows', steps], scale: symbols, dtype: 'int32' },
});

/** Every tensor of a workload, in the order of its file. README.md gives the meaning of each axis. */
export const layouts: Readonly<Record<Workload, Readonly<Record<string, Layout>>>> = {
  mnist: {
    'conv1.weight': { shape: [16, 1, 7, 7], scale: 0.14 },
    'conv1.bias': { shape: [16], scale: 0.1 },
    z: { shape: [4], scale: 1 },
    'head.win': { shape: [16, 4, 4], scale: 0.5 },
    'head.bin': { shape: [16, 4], scale: 0.1 },
    'head.wout': { shape: [784, 4], scale: 0.05 },
    'head.bout': { shape: [784], scale: 0.02 },
    'conv2.bias': { shape: [16], scale: 0.1 },
    'fc.weight': { shape: [10, 784], scale: 0.05 },
    'fc.bias': { shape: [10], scale: 0.1 },
    'data.x': { shape: ['rows', 1, 28, 28], scale: 1 },
    'data.y': { shape: ['rows'], scale: 10, dtype: 'int32' },
  },
  perExample: {
    'head.layer0.weight': { shape: [64, 16], scale: 0.4 },
    'head.layer0.bias': { shape: [64], scale: 0.1 },
    'head.layer1.weight': { shape: [1761, 64], scale: 0.05 },
    'head.layer1.bias': { shape: [1761], scale: 0.2 },
    'data.codes': { shape: ['rows', 16], scale: 1 },
    'data.x': { shape: ['rows', 10, 1], scale: 2 },
    'data.y': { shape: ['rows', 10, 1], scale: 1 },
  },
  perExampleConv: {
    'conv1.weight': { shape: [16, 1, 3, 3], scale: 0.4 },
    'conv1.bias': { shape: [16], scale: 0.1 },
    'head.weight': { shape: [2304, 16], scale: 0.06 },
    'head.bias': { shape: [2304], scale: 0.1 },
    'conv2.bias': { shape: [16], scale: 0.1 },
    'fc.weight': { shape: [10, 784], scale: 0.05 },
    'fc.bias': { shape: [10], scale: 0.1 },
    'data.codes': { shape: ['rows', 16], scale: 1 },
    'data.x': { shape: ['rows', 1, 28, 28], scale: 1 },
    'data.y': { shape: ['rows'], scale: 10, dtype: 'int32' },
  },
  denseHead: {
    code: { shape: [8], scale: 1 },
    'head.layer0.weight': { shape: [32, 8], scale: 0.5 },
    'head.layer0.bias': { shape: [32], scale: 0.1 },
    'head.layer1.weight': { shape: [89610, 32], scale: 0.015 },
    'head.layer1.bias': { shape: [89610], scale: 0.03 },
    'data.x': { shape: ['rows', 784], scale: 1 },
    'data.y': { shape: ['rows'], scale: 10, dtype: 'int32' },
  },
  chunked: chunked(100, 2000),
  chunkedLarge: chunked(400, 4000),
  expertsConv: {
    'conv1.weight': { shape: [16, 1, 3, 3], scale: 0.4 },
    'conv1.bias': { shape: [16], scale: 0.1 },
    'conv2.head.gates.target.weight': { shape: [16, 4], scale: 0.5 },
    'conv2.head.gates.target.bias': { shape: [4], scale: 0.5 },
    'conv2.head.experts.weight.weight': { shape: [4, 2304], scale: 0.15 },
    'conv2.head.experts.bias.weight': { shape: [4, 16], scale: 0.1 },
    'conv2.head.experts.bias.bias': { shape: [16], scale: 0.1 },
    'fc.weight': { shape: [784, 10], scale: 0.05 },
    'fc.bias': { shape: [10], scale: 0.1 },
    'data.x': { shape: ['rows', 1, 28, 28], scale: 1 },
    'data.y': { shape: ['rows'], scale: 10, dtype: 'int32' },
  },
  adapters: adapters(),
  setEncoder: {
    'code.point.layer0.weight': { shape: [2, 64], scale: 0.5 },
    'code.point.layer0.bias': { shape: [64], scale: 0.1 },
    'code.point.layer1.weight': { shape: [64, 64], scale: 0.3 },
    'code.point.layer1.bias': { shape: [64], scale: 0.1 },
    'code.point.layer2.weight': { shape: [64, 64], scale: 0.3 },
    'code.point.layer2.bias': { shape: [64], scale: 0.1 },
    'code.after.layer0.weight': { shape: [64, 64], scale: 0.3 },
    'code.after.layer0.bias': { shape: [64], scale: 0.1 },
    'head.hidden.0.weight': { shape: [64, 64], scale: 0.3 },
    'head.hidden.0.bias': { shape: [64], scale: 0.1 },
    ...denseOuts(curve, 64),
    // What the mean over points is multiplied by: three layers of ReLU units, whose means over many points vary less.
    'fixed.steady': { shape: [1], scale: 0, centre: 1.1339461666568493 },
    'data.points': { shape: ['rows', 10, 2], scale: 5 },
    'data.x': { shape: ['rows', 10, 1], scale: 5 },
    'data.y': { shape: ['rows', 10, 1], scale: 5 },
  },
  inference: {
    'layer0.weight': { shape: [784, 100], scale: 0.06 },
    'layer0.bias': { shape: [100], scale: 0.1 },
    'layer1.weight': { shape: [100, 100], scale: 0.17 },
    'layer1.bias': { shape: [100], scale: 0.1 },
    'layer2.weight': { shape: [100, 10], scale: 0.17 },
    'layer2.bias': { shape: [10], scale: 0.1 },
    'data.x': { shape: ['rows', 784], scale: 1 },
  },
  hyperLstm: { ...hyperLstm, ...text(50) },
  hyperLstmLong: { ...hyperLstm, ...text(200) },
  lstm: {
    input: { shape: [symbols, 1024], scale: 0.1 },
    hidden: { shape: [256, 1024], scale: 0.1 },
    bias: { shape: [1024], scale: 0.1 },
    'out.weight': { shape: [256, symbols], scale: 0.1 },
    'out.bias': { shape: [symbols], scale: 0.1 },
    ...text(100),
  },
  sampling: { ...hyperLstm, 'data.x': { shape: ['rows'], scale: symbols, dtype: 'int32' } },
  cartPole: {
    spread: { shape: [1], scale: 0 },
    'data.push': { shape: ['rows', cartPoleSteps], scale: 2, dtype: 'int32' },
    'data.start': { shape: ['rows', 4], scale: 0.05 },
  },
};

/** By which sides divide logits when they sample: so low that all draw the same symbols, whatever random numbers they have. */
export const samplingTemperature = 1e-5;

/** Examples in a step; perExample, adapters and setEncoder count tasks, hyperLstm and lstm sequences, sampling symbols, cartPole copies. */
export const batchSizes: Readonly<Record<Workload, number>> = {
  mnist: 128,
  perExample: 64,
  perExampleConv: 128,
  denseHead: 128,
  chunked: 128,
  chunkedLarge: 128,
  expertsConv: 128,
  adapters: 16,
  setEncoder: 64,
  inference: 1,
  hyperLstm: 32,
  hyperLstmLong: 32,
  lstm: 32,
  sampling: 1,
  cartPole: 4096,
};

/** Uniform numbers in [0, 1), the same on every machine (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Seeded weights, and data for `rounds` steps: step t takes the rows of batch t mod rounds. */
export function seededInputs(workload: Workload, batch = batchSizes[workload], rounds = 2, seed = 1609): Inputs {
  const random = generator(seed);
  const tensors: Record<string, InputTensor> = {};
  for (const [name, layout] of Object.entries(layouts[workload])) {
    const { scale, centre = 0, dtype = 'float32' } = layout;
    const shape = layout.shape.map((extent) => (extent === 'rows' ? batch * rounds : extent));
    const size = shape.reduce((a, b) => a * b, 1);
    const data = layout.values
      ? layout.values()
      : dtype === 'int32'
        ? Int32Array.from({ length: size }, () => Math.floor(random() * scale))
        : Float32Array.from({ length: size }, () => centre + (2 * random() - 1) * scale);
    tensors[name] = { dtype, shape, data };
  }
  return tensors;
}

/** Writes `<workload>.<batch>.bin` and its manifest into the folder; returns the manifest's path. */
export function writeInputs(folder: string, workload: Workload, batch: number, inputs: Inputs): string {
  const tensors: Record<string, { dtype: DType; shape: readonly number[]; offset: number }> = {};
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(inputs)) {
    tensors[name] = { dtype, shape, offset };
    chunks.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
  }
  mkdirSync(folder, { recursive: true });
  const file = `${workload}.${batch}.bin`;
  writeFileSync(join(folder, file), Buffer.concat(chunks));
  const manifest = join(folder, `${workload}.${batch}.json`);
  writeFileSync(manifest, `${JSON.stringify({ workload, batch, file, tensors }, null, 2)}\n`);
  return manifest;
}
