export type { Engine, Executable } from './engine.ts';
