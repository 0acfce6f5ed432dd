import { type DType, isFloat } from '../dtype.ts';
import { type Attrs, type BatchCall, emit1, type Op, type Tensor } from '../tensor.ts';
import { padRank } from './broadcast.ts';
import { type Accepts, checkType, jointShape, jointType } from './checks.ts';
import { mapBroadcast } from './loops.ts';

/** Gives batched inputs the axes that broadcasting needs, so that the batch stays in front. */
export function alignBatch({ inputs, batched }: Pick<BatchCall, 'inputs' | 'batched'>): Tensor[] {
  const rank = Math.max(...inputs.map((x, i) => x.rank + (batched[i] ? 0 : 1)));
  return inputs.map((x, i) => (batched[i] ? padRank(x, rank) : x));
}

interface Unary<A extends Attrs> {
  readonly name: string;
  readonly accepts: Accepts;
  readonly f: (x: number, attrs: A) => number;
  /** The gradient: cotangent, input, output, options. Absent where none flows. */
  readonly gradient?: (dy: Tensor, x: Tensor, y: Tensor, attrs: A) => Tensor;
  readonly type?: (x: DType, attrs: A) => DType;
  readonly work?: Op['work'];
}

/** Defines an operation that maps each element on its own. */
export function unary<A extends Attrs = Record<string, never>>({
  name,
  accepts,
  f,
  gradient,
  type,
  work,
}: Unary<A>): Op<A> {
  const op: Op<A> = {
    name,
    elementwise: true,
    infer: ([x], attrs) => {
      checkType(name, x!, accepts);
      return [{ dtype: type?.(x!.dtype, attrs) ?? x!.dtype, shape: x!.shape }];
    },
    vjp: ({ inputs, outputs, cotangents, attrs }) => [
      gradient !== undefined && isFloat(inputs[0]!.dtype)
        ? gradient(cotangents[0]!, inputs[0]!, outputs[0]!, attrs)
        : undefined,
    ],
    batch: ({ inputs, attrs }) => [emit1(op, inputs, attrs)],
    eval: ([x], attrs) => [mapBroadcast([x!], type?.(x!.dtype, attrs) ?? x!.dtype, x!.shape, (v) => f(v, attrs))],
    ...(work && { work }),
  };
  return op;
}

interface Binary {
  readonly name: string;
  readonly accepts: Accepts;
  readonly f: (a: number, b: number) => number;
  /** The meaning on integers, where it is not `f`. */
  readonly integer?: (a: number, b: number) => number;
  readonly vjp: Op['vjp'];
  readonly output?: DType;
  readonly absorbs?: Op['absorbs'];
  readonly neutral?: Op['neutral'];
}

/** Defines an operation on two inputs that broadcast against each other. */
export function binary({
  name,
  accepts,
  f,
  integer,
  vjp,
  output,
  absorbs,
  neutral,
}: Binary): Op<Record<string, never>> {
  const op: Op<Record<string, never>> = {
    name,
    elementwise: true,
    ...(absorbs && { absorbs }),
    ...(neutral && { neutral }),
    infer: ([a, b]) => {
      const dtype = jointType(name, [a!, b!]);
      checkType(name, a!, accepts);
      return [{ dtype: output ?? dtype, shape: jointShape(name, [a!, b!]) }];
    },
    vjp,
    batch: (call) => [emit1(op, alignBatch(call), {})],
    eval: (inputs) => {
      const { dtype } = inputs[0]!;
      return [mapBroadcast(inputs, output ?? dtype, jointShape(name, inputs), isFloat(dtype) ? f : (integer ?? f))];
    },
  };
  return op;
}
