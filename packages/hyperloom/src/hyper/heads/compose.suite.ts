import { compose } from './compose.ts';
import type { HeadSample } from './contract.suite.ts';
import { dense } from './dense.ts';
import { lowRank } from './lowRank.ts';

export const samples: readonly HeadSample[] = [
  { title: 'kernels and the rest', head: compose({ '**.weight': lowRank({ rank: 4 }), '**': dense() }) },
];
