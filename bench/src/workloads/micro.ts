import type { Engine } from 'hyperloom/engine';
import { heads, hypernetwork } from 'hyperloom/hyper';
import { linear, type Params } from 'hyperloom/nn';
import {
  type Aval,
  add,
  conv,
  convInputGrad,
  convKernelGrad,
  grad,
  matmul,
  type NdArray,
  ndarray,
  random,
  reshape,
  type Shape,
  sizeOf,
  square as squared,
  sum,
  type Tensor,
  trace,
  tree,
  vmap,
  zerosArray,
} from 'hyperloom/tensor';
import { seededInputs } from '../../peers/inputs.ts';
import { startingWeights } from '../training.ts';
import * as denseHead from './denseHead.ts';
import * as mnist from './mnist.ts';
import * as perExample from './perExample.ts';
import type { Workload } from './workload.ts';

/** One small program whose time is a figure of the engine. */
export interface Figure {
  readonly name: string;
  /** Multiplications and additions of the plain algorithm, in 1e9; absent where they mean nothing. */
  readonly gflop?: number;
  run(): Promise<unknown>;
}

const floats = (...shape: number[]): NdArray =>
  ndarray(
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i)),
    shape,
  );

/** Compiles a function for the given arrays; runs write into the same outputs each time. */
async function figure(
  engine: Engine,
  name: string,
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  gflop?: number,
): Promise<Figure> {
  const { program, output } = trace(f, ...args);
  const executable = await engine.compile(program);
  const inputs = args.flatMap((arg) => tree.leaves<NdArray>(arg));
  const into = tree.leaves<Aval>(output).map(({ dtype, shape }) => zerosArray(dtype, shape));
  return { name, run: () => executable.run(inputs, into), ...(gflop !== undefined && { gflop }) };
}

/** The second convolution of `mnist`: 16 to 16 channels, 7x7, images of 14x14, a batch of 128. */
const image: Shape = [128, 16, 14, 14];
const kernel: Shape = [16, 16, 7, 7];
const geometry = {
  strides: [1, 1],
  padding: [
    [3, 3],
    [3, 3],
  ],
  dilation: [1, 1],
  groups: 1,
} as const;
const convGflop = (2 * sizeOf(image) * sizeOf(kernel.slice(1))) / 1e9;

/** One layer of 256 to 256 under a head, and a batch of 128 with a code for each example. */
const layer = { width: 256, batch: 128, code: 8 };

/** A model with the two ways to run it on a batch. */
interface Layer {
  init(key: Tensor): never;
  generate(params: never, code: Tensor): { readonly weight: Tensor };
  apply(params: never, input: { readonly code: Tensor; readonly input: Tensor }): Tensor;
}

/**
 * Forward pass and gradient of a layer with a code for each example: as `vmap` has it, which makes no matrix for each
 * example where that is cheaper, and with these matrices made.
 */
async function structured(engine: Engine, name: string, head: unknown): Promise<Figure[]> {
  const { width, batch, code } = layer;
  const target = linear({ in: width, out: width, bias: false });
  const model = hypernetwork(target, { code, head: head as ReturnType<typeof heads.dense> }) as unknown as Layer;
  const asBatched = (params: never, codes: Tensor, x: Tensor) =>
    vmap((own: Tensor, input: Tensor) => model.apply(params, { code: own, input }))(codes, x);
  const made = (params: never, codes: Tensor, x: Tensor) => {
    const { weight } = vmap((own: Tensor) => model.generate(params, own))(codes);
    return reshape(matmul(reshape(x, [batch, 1, width]), weight), [batch, width]);
  };
  const start = trace((key: Tensor) => model.init(key), random.keyArray(0));
  const drawer = await engine.compile(start.program);
  const params = tree.unflatten(start.output as unknown, await drawer.run([random.keyArray(0)]));
  await drawer.dispose();
  const args = [params, floats(batch, code), floats(batch, width)];
  const gradient = (f: typeof made) =>
    grad((own: never, codes: Tensor, x: Tensor) => sum(squared(f(own, codes, x)))) as (...args: never[]) => unknown;
  return [
    await figure(engine, `${name} 128 codes`, gradient(asBatched), args),
    await figure(engine, `${name} matrices made`, gradient(made), args),
  ];
}

/** Compiles every figure. */
export async function figures(engine: Engine): Promise<Figure[]> {
  const { data, shape } = seededInputs('perExample', 64, 1)['data.codes']!;
  const weightsOf = (workload: Workload) => startingWeights(workload, seededInputs(workload.name, 1, 1));
  const [x, w, y] = [floats(...image), floats(...kernel), floats(...image)];
  const forward = (a: Tensor, b: Tensor) => conv(a, b, geometry);
  const toInput = (b: Tensor, dy: Tensor) => convInputGrad(b, dy, { ...geometry, spatial: [14, 14] });
  const toKernel = (a: Tensor, dy: Tensor) => convKernelGrad(a, dy, { ...geometry, kernel: [7, 7] });
  const tasks = (params: Params<typeof perExample.model.spec>, codes: Tensor) =>
    vmap((code: Tensor) => perExample.model.generate(params, code))(codes);
  const square = floats(1024, 1024);
  return [
    await figure(engine, 'run of one node', (a: Tensor) => add(a, 1), [floats(1)]),
    await figure(engine, 'matmul 1024', matmul as (a: Tensor, b: Tensor) => Tensor, [square, square], 2 * 1.024 ** 3),
    await figure(engine, 'conv forward', forward, [x, w], convGflop),
    await figure(engine, 'conv input gradient', toInput, [w, y], convGflop),
    await figure(engine, 'conv kernel gradient', toKernel, [x, y], convGflop),
    await figure(engine, 'generate mnist kernel', mnist.model.generate, [weightsOf(mnist.mnist)]),
    await figure(engine, 'generate 64 x 1,761', tasks, [weightsOf(perExample.perExample), ndarray(data, shape)]),
    await figure(engine, 'generate 89,610', denseHead.model.generate, [weightsOf(denseHead.denseHead)]),
    ...(await structured(engine, 'experts 4', heads.experts({ count: 4, gate: 'softmax' }))),
    ...(await structured(engine, 'lowRank 4', heads.lowRank({ rank: 4 }))),
    ...(await structured(engine, 'scale', heads.scale())),
  ];
}
