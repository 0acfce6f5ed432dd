import { sizeOf } from 'hyperloom/tensor';

/** What a kernel is part of. */
export type Part = 'head' | 'target' | 'loss' | 'backward, head' | 'backward, target' | 'optimizer' | 'other';

/** A node of the step's graph, as ONNX Runtime ran it. */
export interface Kernel {
  readonly name: string;
  /** What ONNX Runtime calls it, such as `FusedMatMul`. */
  readonly type: string;
  /** The operation of the program that it comes from; empty for what ONNX Runtime added. */
  readonly op: string;
  /** The layer that the operation was traced in; empty outside any. */
  readonly layer: string;
  readonly part: Part;
  /** How often it runs in a step. */
  readonly runs: number;
  /** Milliseconds of a step. */
  readonly ms: number;
  /** Of a step. */
  readonly multiplyAdds: number;
  /** That a step reads and writes, each array once. */
  readonly bytes: number;
}

/** An event of ONNX Runtime's profile. */
interface Event {
  readonly cat: string;
  readonly name: string;
  /** Microseconds: since the session was made, and how long it took. */
  readonly ts: number;
  readonly dur: number;
  readonly args: {
    readonly op_name?: string;
    readonly input_type_shape?: readonly TypeShape[];
    readonly output_type_shape?: readonly TypeShape[];
    readonly activation_size?: string;
    readonly parameter_size?: string;
    readonly output_size?: string;
  };
}

type TypeShape = Readonly<Record<string, readonly number[]>>;

/** What one session did. */
export interface SessionProfile {
  readonly runs: number;
  /** Milliseconds of each run, inside of ONNX Runtime. */
  readonly runMs: readonly number[];
  /** Of a run: the means of all but the first. */
  readonly kernels: readonly Kernel[];
}

const ending = '_kernel_time';

/** Reads the profile that ONNX Runtime writes of a session: a list in JSON, of which each line holds one event. */
export async function readProfile(
  lines: AsyncIterable<string> | Iterable<string>,
  { skip }: { readonly skip: number },
): Promise<SessionProfile> {
  const runMs: number[] = [];
  const found = new Map<string, { first: Event; total: number; count: number }>();
  /** Kernels of this run that no loop has taken for its own so far. */
  let loose: Event[] = [];
  // Kernels come before the run that they belong to, and those of a loop's body before the loop.
  for await (const line of lines) {
    const text = line.replace(/,\s*$/, '');
    if (!text.startsWith('{')) continue;
    const event = JSON.parse(text) as Event;
    if (event.cat === 'Session' && event.name === 'model_run') {
      runMs.push(event.dur / 1000);
      loose = [];
    }
    if (event.cat !== 'Node' || !event.name.endsWith(ending) || runMs.length < skip) continue;
    const name = event.name.slice(0, -ending.length);
    const own = found.get(name) ?? { first: event, total: 0, count: 0 };
    own.total += event.dur - (event.args.op_name === 'Scan' ? taken(loose, event) : 0);
    own.count++;
    found.set(name, own);
    loose.push(event);
  }
  const measured = runMs.slice(skip);
  const kernels = [...found].map(([name, { first, total, count }]): Kernel => {
    const runs = Math.max(1, measured.length);
    const each = count / runs;
    const { op, layer, part } = placeOf(name);
    return {
      name,
      type: first.args.op_name ?? 'unknown',
      op,
      layer,
      part,
      runs: each,
      ms: total / 1000 / runs,
      multiplyAdds: each * multiplyAddsOf(first),
      bytes: each * bytesOf(first),
    };
  });
  return { runs: measured.length, runMs: measured, kernels };
}

/** Takes the kernels that ran within a loop from those that are loose, and gives their time. */
function taken(loose: Event[], { ts }: Event): number {
  let time = 0;
  while (loose.length > 0 && loose.at(-1)!.ts >= ts) time += loose.pop()!.dur;
  return time;
}

/** Names are `layer/op/Type`, with a number where that is taken. */
export function placeOf(name: string): Pick<Kernel, 'op' | 'layer' | 'part'> {
  const pieces = name.replace(/^fused /, '').split('/');
  if (pieces.length < 2) return { op: '', layer: '', part: 'other' };
  const op = pieces.at(-2)!;
  const scope = pieces.slice(0, -2).join('/');
  const backward = /^grad\b/.test(scope);
  const layer = scope.replace(/^(grad ?)+/, '');
  return { op, layer, part: partOf(layer, backward) };
}

function partOf(layer: string, backward: boolean): Part {
  const names = layer.split(/[./]/);
  const generates = names.some((name) => name === 'head' || name === 'code');
  if (names.includes('optimizer')) return 'optimizer';
  if (backward) return generates ? 'backward, head' : 'backward, target';
  if (generates) return 'head';
  return names.includes('loss') ? 'loss' : 'target';
}

const shapesOf = (all: readonly TypeShape[] = []): (readonly number[])[] =>
  all.map((one) => Object.values(one)[0] ?? []);

function multiplyAddsOf({ args }: Event): number {
  const inputs = shapesOf(args.input_type_shape);
  const [output] = shapesOf(args.output_type_shape);
  if (output === undefined) return 0;
  const [a, b] = inputs;
  switch (args.op_name) {
    case 'MatMul':
    case 'FusedMatMul':
    case 'Gemm':
    case 'FusedGemm':
      return sizeOf(output) * innerOf(a ?? [], b ?? [], output);
    case 'Conv':
    case 'FusedConv':
      // A kernel is [out, in / groups, ...k]: each output takes what one kernel holds.
      return sizeOf(output) * (sizeOf(b ?? []) / Math.max(1, b?.[0] ?? 1));
    case 'ConvTranspose':
      return sizeOf(a ?? []) * (sizeOf(b ?? []) / Math.max(1, b?.[0] ?? 1));
    default:
      return 0;
  }
}

/** The extent that a product sums over, whichever of its factors is turned. */
function innerOf(a: readonly number[], b: readonly number[], output: readonly number[]): number {
  // a holds rows x inner, b inner x columns, and the output rows x columns, for each of a batch.
  const matrix = (shape: readonly number[]) => sizeOf(shape.slice(-2));
  const [left, right, out] = [matrix(a), matrix(b), matrix(output)];
  return out === 0 ? 0 : Math.round(Math.sqrt((left * right) / out));
}

function bytesOf({ args }: Event): number {
  const numbers = [args.activation_size, args.parameter_size, args.output_size].map((text) => Number(text ?? 0));
  // Views move nothing.
  if (['Reshape', 'Squeeze', 'Unsqueeze', 'Identity', 'Flatten', 'Shape'].includes(args.op_name ?? '')) return 0;
  return numbers.reduce((sum, size) => sum + size, 0);
}

/**
 * Kernels that take no more than a call did without a profile: what the profile adds is taken off again. Loops hold what it
 * adds between the kernels of their bodies, and give first; then each run of a kernel gives the same.
 * @param ms of all kernels together, at most
 */
export function withoutOverhead(kernels: readonly Kernel[], ms: number): Kernel[] {
  const total = (all: readonly Kernel[]) => all.reduce((sum, kernel) => sum + kernel.ms, 0);
  const isLoop = ({ type }: Kernel) => type === 'Scan';
  const loops = total(kernels.filter(isLoop));
  const kept = loops === 0 ? 1 : 1 - Math.min(1, Math.max(0, total(kernels) - ms) / loops);
  const rest = kernels.map((kernel) => (isLoop(kernel) ? { ...kernel, ms: kernel.ms * kept } : kernel));
  if (total(rest) <= ms) return rest;
  const less = (overhead: number) =>
    rest.map((kernel) => ({ ...kernel, ms: Math.max(0, kernel.ms - overhead * kernel.runs) }));
  let [low, high] = [0, Math.max(...rest.map((kernel) => kernel.ms / kernel.runs))];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (total(less(middle)) > ms) low = middle;
    else high = middle;
  }
  return less(high);
}
