export { type EmbeddingsOptions, embeddings } from './embeddings.ts';
export { input } from './input.ts';
export { learned } from './learned.ts';
export { none } from './none.ts';
