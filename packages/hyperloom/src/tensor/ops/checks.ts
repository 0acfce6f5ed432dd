import { type DType, isFloat } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { type Aval, broadcastShapes, type Shape, showShape } from '../shape.ts';

/** The element types that an operation takes. */
export type Accepts = 'float' | 'number' | 'bool' | 'uint32' | 'any';

const accepted: Record<Accepts, (dtype: DType) => boolean> = {
  float: isFloat,
  number: (dtype) => dtype !== 'bool',
  bool: (dtype) => dtype === 'bool',
  uint32: (dtype) => dtype === 'uint32',
  any: () => true,
};

const expected: Record<Accepts, string> = {
  float: 'floats',
  number: 'numbers',
  bool: 'bools',
  uint32: 'uint32',
  any: 'any type',
};

/** Raises DTypeError unless the tensor's type is one that the operation takes. */
export function checkType(op: string, x: Aval, accepts: Accepts): void {
  if (!accepted[accepts](x.dtype)) throw new DTypeError(`${op}: expected ${expected[accepts]}, got ${x.dtype}`);
}

/** The broadcast of several shapes; ShapeError when they do not fit. */
export const jointShape = (op: string, inputs: readonly Aval[]): Shape =>
  inputs.reduce<Shape>((shape, x) => {
    const joint = broadcastShapes(shape, x.shape);
    if (joint === undefined) {
      throw new ShapeError(
        `${op}: expected shapes that broadcast, got ${inputs.map((i) => showShape(i.shape)).join(' and ')}`,
      );
    }
    return joint;
  }, []);

/** The common type of several inputs; DTypeError when they differ. */
export function jointType(op: string, inputs: readonly Aval[]): DType {
  const [first] = inputs;
  const other = inputs.find((x) => x.dtype !== first!.dtype);
  if (other !== undefined)
    throw new DTypeError(`${op}: expected one element type, got ${first!.dtype} and ${other.dtype}; use cast`);
  return first!.dtype;
}
