export type { Affine } from '../trunk.ts';
export { type ChunkedOptions, type ChunkedSpec, chunked } from './chunked.ts';
export { type CoordinateOptions, type CoordinateSpec, coordinate } from './coordinate.ts';
export { type DenseOptions, type DenseSpec, dense } from './dense.ts';
export { type GeneratorSpec, type LayerwiseOptions, type LayerwiseSpec, layerwise } from './layerwise.ts';
