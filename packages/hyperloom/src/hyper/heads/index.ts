export { type DenseOptions, type DenseSpec, dense } from './dense.ts';
export { type LayerwiseOptions, type LayerwiseSpec, layerwise } from './layerwise.ts';
