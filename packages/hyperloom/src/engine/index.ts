export { type Arrays, type CompiledFunction, compileFunction, runOnce } from './compile.ts';
export { defaultEngine } from './default.ts';
export type { Engine, Executable } from './engine.ts';
