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
export {
  type EvalStreamOptions,
  type EvalStreams,
  evalTextStreams,
  type StreamOptions,
  type TextsWindow,
  type TextWindow,
  textStreams,
} from './streams.ts';
export { decodeText, type SplitShares, splitText, type TextSplit } from './text.ts';
export { type Vocabulary, type VocabularyOptions, vocabulary } from './vocabulary.ts';
