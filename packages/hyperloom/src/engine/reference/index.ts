export { evaluate } from '../../tensor/index.ts';
export { referenceEngine } from './reference.ts';
