import { type ConvAttrs, ndarray, type Shape, sizeOf } from '../../tensor/index.ts';
import type { Builder } from '../builder.ts';
import type { Value } from '../value.ts';
import type { Call } from './lowering.ts';

/*
 * Convolutions with large kernels over small images by the discrete Fourier transform. A transform of an image is one
 * product with a constant matrix, which ONNX Runtime runs two to three times faster, per multiplication, than a
 * convolution; and the transforms of x and dy serve forward pass and both gradients. Numbers agree with the direct
 * kernels to a few units in the sixth digit.
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
 * Cosines and sines, [frequencies, points]: the two parts of exp(-i angle), or what turns a spectrum back into the
 * numbers at points shifted by an offset.
 */
function waves(
  b: Builder,
  { size: [rows, columns], frequencies }: Grid,
  [height, width]: Pair,
  [top, left]: Pair,
  inverse: boolean,
): Parts {
  const half = Math.floor(columns / 2) + 1;
  const points = height * width;
  const real = new Float32Array(frequencies * points);
  const imaginary = new Float32Array(frequencies * points);
  for (let f = 0; f < frequencies; f++) {
    const u = Math.floor(f / half);
    const v = f % half;
    // A real signal's other half mirrors this one, except where the two meet.
    const weight = inverse ? (v === 0 || 2 * v === columns ? 1 : 2) / (rows * columns) : 1;
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const angle = 2 * Math.PI * ((u * (i + top)) / rows + (v * (j + left)) / columns);
        real[f * points + i * width + j] = weight * Math.cos(angle);
        imaginary[f * points + i * width + j] = -weight * Math.sin(angle);
      }
    }
  }
  return [b.array(ndarray(real, [frequencies, points])), b.array(ndarray(imaginary, [frequencies, points]))];
}

/** Real and imaginary parts, by name. */
type Parts = readonly [real: string, imaginary: string];

const multiply = (b: Builder, x: string, y: string, attrs: { transA?: number; transB?: number } = {}): string =>
  b.node('FusedMatMul', [x, y], attrs, { domain: 'com.microsoft' });

/** The spectrum of `planes` planes: [frequencies, planes] for each part. */
function transform(b: Builder, grid: Grid, plane: Pair, x: string, planes: number): Parts {
  const flat = b.reshape(x, undefined, [planes, sizeOf(plane)]);
  const [real, imaginary] = waves(b, grid, plane, [0, 0], false);
  return [multiply(b, real, flat, { transB: 1 }), multiply(b, imaginary, flat, { transB: 1 })];
}

/** The numbers of `planes` planes from their spectrum: [planes, points]. */
function inverse(b: Builder, grid: Grid, plane: Pair, offset: Pair, [real, imaginary]: Parts, planes: number): string {
  const [cosines, sines] = waves(b, grid, plane, offset, true);
  const flat = (part: string) => b.reshape(part, undefined, [grid.frequencies, planes]);
  return b.node('Gemm', [flat(imaginary), sines, b.node('Gemm', [flat(real), cosines], { transA: 1 })], { transA: 1 });
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

/** The spectrum of a kernel as [frequencies, inputs, outputs] of a product, stacked so that one product is complex. */
function stacked(b: Builder, [upper, lower]: readonly [string, string]): string {
  return b.node('Concat', [upper, lower], { axis: 1 });
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
  const flipped = b.transpose(
    b.reshape(w!.name(), w!.shape, [o, c, sizeOf(kernel)]),
    [o, c, sizeOf(kernel)],
    [1, 0, 2],
  );
  const [real, imaginary] = transform(b, grid, kernel, flipped, c * o).map((part) =>
    b.reshape(part, undefined, [grid.frequencies, c, o]),
  ) as [string, string];
  const image = imageSpectrum(b, grid, x!);
  const spectrum: Parts = [
    multiply(b, image, stacked(b, [real, imaginary])),
    multiply(b, image, stacked(b, [b.node('Neg', [imaginary]), real])),
  ];
  const out = inverse(b, grid, y, [-low[0], -low[1]], spectrum, n * o);
  return b.reshape(withoutNoise(b, out, n * o * sizeOf(y)), undefined, [n, o, ...y]);
}

/** convInputGrad by transforms: dX = dY W. */
export function spectralInputGrad({ b, inputs: [w, dy] }: Pick<Call, 'b' | 'inputs'>, problem: Problem): string {
  const { n, c, o, kernel, x, low } = problem;
  const grid = gridOf(problem);
  const [real, imaginary] = transform(b, grid, kernel, w!.name(), o * c).map((part) =>
    b.reshape(part, undefined, [grid.frequencies, o, c]),
  ) as [string, string];
  const image = imageSpectrum(b, grid, dy!);
  const spectrum: Parts = [
    multiply(b, image, stacked(b, [real, b.node('Neg', [imaginary])])),
    multiply(b, image, stacked(b, [imaginary, real])),
  ];
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
  const spectrum: Parts = [b.node('Add', [rr, ii]), b.node('Sub', [ir, ri])];
  const out = inverse(b, grid, kernel, [-low[0], -low[1]], spectrum, c * o);
  return b.reshape(
    b.transpose(b.reshape(out, undefined, [c, o, sizeOf(kernel)]), [c, o, sizeOf(kernel)], [1, 0, 2]),
    undefined,
    [o, c, ...kernel],
  );
}
