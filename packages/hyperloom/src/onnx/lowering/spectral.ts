import { type ConvAttrs, type NdArray, ndarray, type Shape, sizeOf } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../value.ts';
import type { Call } from './lowering.ts';

/*
 * Convolutions with large kernels over small images by the discrete Fourier transform. A transform of an image is one
 * product with a constant matrix, which ONNX Runtime runs two to three times faster, per multiplication, than a
 * convolution; and the transforms of x and dy serve forward pass and both gradients. Results agree with the direct
 * kernels to about 1e-5 of their root mean square.
 */

/** Geometry of the circular grid that holds a convolution without wrapping round into what is read. */
interface Grid {
  /** Points along each axis. */
  readonly size: readonly [number, number];
  /** Frequencies that a real signal needs: all of the first axis by half of the second. */
  readonly frequencies: number;
}

type Pair = readonly [number, number];

/** What the three operations share: batch, channels, and the sizes of x, w and dy. */
interface Problem {
  readonly n: number;
  readonly c: number;
  readonly o: number;
  readonly x: Pair;
  readonly kernel: Pair;
  readonly y: Pair;
  /** Padding before each axis. */
  readonly low: Pair;
}

const pair = (list: readonly number[]): Pair => [list[0]!, list[1]!];

function gridOf({ x, kernel, y, low }: Problem): Grid {
  const size = pair([0, 1].map((i) => Math.max(x[i]! + low[i]!, y[i]! + kernel[i]! - 1 - low[i]!)));
  return { size, frequencies: size[0] * (Math.floor(size[1] / 2) + 1) };
}

/** Channels below this leave the products too narrow to be fast. */
const narrow = 8;

/** Whether the transforms cost fewer multiplications than the convolution itself. */
function pays(problem: Problem): boolean {
  const { n, c, o, x, kernel, y } = problem;
  if (Math.min(n, c, o) < narrow) return false;
  const { frequencies: f } = gridOf(problem);
  const direct = n * o * c * sizeOf(kernel) * sizeOf(y);
  const transforms = 2 * f * (n * c * sizeOf(x) + n * o * sizeOf(y) + o * c * sizeOf(kernel));
  return direct > transforms + 4 * f * n * c * o;
}

/** The problem that a convolution or one of its gradients poses, if its transforms pay. */
export function spectralProblem(
  x: Shape,
  w: Shape,
  y: Shape,
  { strides, padding, dilation, groups }: ConvAttrs,
): Problem | undefined {
  if (x.length !== 4 || groups !== 1 || [...strides, ...dilation].some((s) => s !== 1)) return undefined;
  const problem = {
    n: x[0]!,
    c: x[1]!,
    o: w[0]!,
    x: pair(x.slice(2)),
    kernel: pair(w.slice(2)),
    y: pair(y.slice(2)),
    low: pair(padding.map(([low]) => low)),
  };
  return pays(problem) ? problem : undefined;
}

/**
 * Cosines, then sines, [2 frequencies, points]: the two parts of exp(-i angle), or what turns a spectrum back into the
 * numbers at points shifted by an offset.
 */
function waves(
  { size: [rows, columns], frequencies }: Grid,
  [height, width]: Pair,
  [top, left]: Pair,
  inverse: boolean,
): NdArray {
  const half = Math.floor(columns / 2) + 1;
  const points = height * width;
  const data = new Float32Array(2 * frequencies * points);
  for (let f = 0; f < frequencies; f++) {
    const u = Math.floor(f / half);
    const v = f % half;
    // A real signal's other half mirrors this one, except where the two meet.
    const weight = inverse ? (v === 0 || 2 * v === columns ? 1 : 2) / (rows * columns) : 1;
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const angle = 2 * Math.PI * ((u * (i + top)) / rows + (v * (j + left)) / columns);
        const at = f * points + i * width + j;
        data[at] = weight * Math.cos(angle);
        data[at + frequencies * points] = -weight * Math.sin(angle);
      }
    }
  }
  return ndarray(data, [2 * frequencies, points]);
}

/** Real and imaginary parts, by name. */
type Parts = readonly [real: string, imaginary: string];

const multiply = (b: Builder, x: string, y: string, attrs: { transA?: number; transB?: number } = {}): string =>
  b.node('FusedMatMul', [x, y], attrs, { domain: 'com.microsoft' });

/** The spectrum of `planes` planes: [frequencies, planes] for each part. */
function transform(b: Builder, grid: Grid, plane: Pair, x: string, planes: number): Parts {
  const flat = b.reshape(x, undefined, [planes, sizeOf(plane)]);
  const { data } = waves(grid, plane, [0, 0], false);
  const size = data.length / 2;
  const part = (from: number) => {
    const own = ndarray(data.slice(from, from + size), [grid.frequencies, sizeOf(plane)]);
    return multiply(b, b.array(own), flat, { transB: 1 });
  };
  return [part(0), part(size)];
}

/** The numbers of `planes` planes from their spectrum, [2 parts, frequencies, planes]: [planes, points]. */
function inverse(b: Builder, grid: Grid, plane: Pair, offset: Pair, spectrum: string, planes: number): string {
  const flat = b.reshape(spectrum, undefined, [2 * grid.frequencies, planes]);
  return multiply(b, flat, b.array(waves(grid, plane, offset, true)), { transA: 1 });
}

const known = new WeakMap<Value, Map<string, string>>();

/** The spectrum of a batch of images with its parts side by side: [frequencies, N, 2 C]. Made once for all who need it. */
function imageSpectrum(b: Builder, grid: Grid, value: Value): string {
  const found = known.get(value) ?? new Map<string, string>();
  known.set(value, found);
  const key = grid.size.join('x');
  const there = found.get(key);
  if (there !== undefined) return there;
  const [n, c, ...s] = value.shape as [number, number, number, number];
  const parts = transform(b, grid, pair(s), value.name(), n * c);
  const made = b.node(
    'Concat',
    parts.map((part) => b.reshape(part, undefined, [grid.frequencies, n, c])),
    { axis: 2 },
  );
  found.set(key, made);
  return made;
}

/**
 * A complex product of spectra as one of real numbers: [frequencies, N, 2 inputs] by [2 parts, frequencies, 2 inputs,
 * outputs] to [2 parts, frequencies, N, outputs]. Each part of the result has a stack of the kernel's parts of its own.
 */
function complexProduct(
  b: Builder,
  { frequencies }: Grid,
  image: string,
  [inputs, outputs]: Pair,
  stacks: readonly [Parts, Parts],
): string {
  const kernels = stacks.map((parts) => {
    const apart = parts.map((part) => b.reshape(part, undefined, [frequencies, inputs, outputs]));
    return b.reshape(b.node('Concat', apart, { axis: 1 }), undefined, [1, frequencies, 2 * inputs, outputs]);
  });
  return b.node('MatMul', [image, b.node('Concat', kernels, { axis: 0 })]);
}

/** Root mean squares that are added and taken away again: what is below half of a unit in their last place becomes 0. */
const guard = 128;

/**
 * Rounds away what the transforms leave of their own rounding. A blank part of an image must give exactly 0, as the
 * definition does: a ReLU that follows tells 0 from the smallest number above it.
 */
function withoutNoise(b: Builder, x: string, size: number): string {
  const norm = b.node('ReduceL2', [x], { keepdims: 0 });
  const shift = b.node('Mul', [norm, b.scalar('float32', guard / Math.sqrt(size))]);
  return b.node('Sub', [b.node('Add', [x, shift]), shift]);
}

/** conv by transforms: Y = X conj(W). */
export function spectralConv({ b, inputs: [x, w] }: Pick<Call, 'b' | 'inputs'>, problem: Problem): string {
  const { n, c, o, kernel, y, low } = problem;
  const grid = gridOf(problem);
  const taps = sizeOf(kernel);
  const flipped = b.rearrange(w!.name(), w!.shape, [o, c, taps], [1, 0, 2], [c * o, taps]);
  const [real, imaginary] = transform(b, grid, kernel, flipped, c * o);
  const stacks: [Parts, Parts] = [
    [real, imaginary],
    [b.node('Neg', [imaginary]), real],
  ];
  const spectrum = complexProduct(b, grid, imageSpectrum(b, grid, x!), [c, o], stacks);
  const out = inverse(b, grid, y, [-low[0], -low[1]], spectrum, n * o);
  return b.reshape(withoutNoise(b, out, n * o * sizeOf(y)), undefined, [n, o, ...y]);
}

/** convInputGrad by transforms: dX = dY W. */
export function spectralInputGrad({ b, inputs: [w, dy] }: Pick<Call, 'b' | 'inputs'>, problem: Problem): string {
  const { n, c, o, kernel, x, low } = problem;
  const grid = gridOf(problem);
  const [real, imaginary] = transform(b, grid, kernel, w!.name(), o * c);
  const stacks: [Parts, Parts] = [
    [real, b.node('Neg', [imaginary])],
    [imaginary, real],
  ];
  const spectrum = complexProduct(b, grid, imageSpectrum(b, grid, dy!), [o, c], stacks);
  const out = inverse(b, grid, x, low, spectrum, n * c);
  return b.reshape(out, undefined, [n, c, ...x]);
}

/** convKernelGrad by transforms: dW = X conj(dY), summed over examples. */
export function spectralKernelGrad({ b, inputs: [x, dy] }: Pick<Call, 'b' | 'inputs'>, problem: Problem): string {
  const { c, o, kernel, low } = problem;
  const grid = gridOf(problem);
  const products = multiply(b, imageSpectrum(b, grid, x!), imageSpectrum(b, grid, dy!), { transA: 1 });
  // The four real products of a complex one: rows are parts of x, columns parts of dy.
  const rows = b.nodes('Split', [products, b.ints([c, c])], { axis: 1 }, { outputs: 2 });
  const [rr, ri, ir, ii] = rows.flatMap((row) =>
    b.nodes('Split', [row, b.ints([o, o])], { axis: 2 }, { outputs: 2 }),
  ) as [string, string, string, string];
  const spectrum = b.node('Concat', [b.node('Add', [rr, ii]), b.node('Sub', [ir, ri])], { axis: 0 });
  const out = inverse(b, grid, kernel, [-low[0], -low[1]], spectrum, c * o);
  const taps = sizeOf(kernel);
  return b.rearrange(out, [c * o, taps], [c, o, taps], [1, 0, 2], [o, c, ...kernel]);
}
