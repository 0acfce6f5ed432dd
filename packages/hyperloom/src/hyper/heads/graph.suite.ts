import type { HeadSample } from './contract.suite.ts';
import { graph } from './graph.ts';

export const samples: readonly HeadSample[] = [
  { title: 'tiles of 8 by 8', head: graph({ hidden: 32 }) },
  { title: 'uneven tiles', head: graph({ hidden: 48, rounds: 3, tile: [3, 5] }) },
  { title: 'no code', head: graph({ hidden: 32 }), code: 0 },
];
