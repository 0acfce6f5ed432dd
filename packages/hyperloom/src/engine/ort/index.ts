export { type OrtEngine, type OrtOptions, ortEngine } from './engine.ts';
export { runOnnxFile } from './file.ts';
export { nodeRuntime } from './node.ts';
export type { OrtModule, Runtime } from './runtime.ts';
export { webRuntime } from './web.ts';
