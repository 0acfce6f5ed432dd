export { evaluate, referenceEngine } from './reference.ts';
