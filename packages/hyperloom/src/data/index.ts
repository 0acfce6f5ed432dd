export { type Image, type PadAndCropOptions, padAndCrop } from './augment.ts';
export { type Batches, type BatchOptions, batches, type EvalBatches, evalBatches } from './batches.ts';
export {
  type BatchOf,
  classIndices,
  type ExampleArray,
  rows,
  type ScaledBytes,
  type SpecOf,
  scaledBytes,
} from './examples.ts';
export { type ByteArray, readIdx } from './idx.ts';
export { type LabelledImages, loadMnist, type MnistOptions } from './mnist.ts';
export { type Random, randomAt } from './random.ts';
