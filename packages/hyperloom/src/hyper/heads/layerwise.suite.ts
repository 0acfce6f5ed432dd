import type { HeadSample } from './contract.suite.ts';
import { layerwise } from './layerwise.ts';

const wakes = {
  reason: 'what starts at a constant has a generator whose second layer starts at 0',
  paths: /^params\.head\.\w+xconstant\d*x.*\.(z|in\.\w+)$/,
};

export const samples: readonly HeadSample[] = [
  { title: 'no code', head: layerwise({ embedding: 48 }), code: 0, wakes },
  { title: 'with a code', head: layerwise({ embedding: 24, hidden: 48 }), wakes },
  { title: 'in tiles', head: layerwise({ embedding: 32, tile: [2, 2] }), code: 0, wakes },
  { title: 'in tiles, with a code', head: layerwise({ embedding: 24, hidden: 48, tile: [4, 4] }), wakes },
];
