import { reshape } from '../tensor/index.ts';
import { defineModule, type Module, type NoWeights } from './module.ts';

/**
 * All elements in one row, in row-major order: [...] to [n].
 * @example
 * const y = nn.flatten.apply({}, constant(zerosArray('float32', [16, 7, 7]))); // [784]
 */
export const flatten: Module<NoWeights> = defineModule<NoWeights>({
  name: 'flatten',
  spec: {},
  apply: (_, x) => reshape(x, [-1]),
});
