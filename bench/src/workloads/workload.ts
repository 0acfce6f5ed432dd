import type { Example, Measure, Trainable } from 'hyperloom/train';
import type { Inputs, Workload as WorkloadName } from '../../peers/inputs.ts';

/** A training step that the peers take too, from the same weights and data. */
export interface Workload {
  readonly name: WorkloadName;
  readonly model: Trainable;
  readonly loss: Measure;
  /** Patterns over paths: the weights to train. Default all that the model does not say are untrained. */
  readonly trained?: string;
  /** The manifest's trained tensors as weights of the model, by path. */
  weights(inputs: Inputs): Readonly<Record<string, Float32Array>>;
  /** A batch of the model from the manifest's `data.` tensors, named without that prefix. */
  example<T>(data: Readonly<Record<string, T>>): Example;
}

/** A tensor of the manifest that must be there. */
export function tensorOf(inputs: Inputs, name: string): Float32Array {
  const tensor = inputs[name];
  if (!(tensor?.data instanceof Float32Array)) throw new Error(`bench: expected a float32 tensor ${name}, got none`);
  return tensor.data;
}

/** A row-major matrix [rows, columns] transposed. */
export function transposed(matrix: Float32Array, rows: number): Float32Array {
  const columns = matrix.length / rows;
  return Float32Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]!);
}
