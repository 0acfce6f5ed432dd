import type { HeadSample } from './contract.suite.ts';
import { coordinate } from './coordinate.ts';

export const samples: readonly HeadSample[] = [
  { title: 'one hidden layer', head: coordinate({ hidden: [64] }) },
  { title: 'two hidden layers and embeddings', head: coordinate({ hidden: [32, 32], layerEmbedding: 4 }) },
  { title: 'no code', head: coordinate({ hidden: [32] }), code: 0 },
];
