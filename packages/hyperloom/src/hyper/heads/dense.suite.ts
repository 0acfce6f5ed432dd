import { sigmoid } from '../../nn/index.ts';
import type { HeadSample } from './contract.suite.ts';
import { dense } from './dense.ts';

export const samples: readonly HeadSample[] = [
  { title: 'affine', head: dense() },
  { title: 'one hidden layer', head: dense({ hidden: [8] }) },
  { title: 'a hidden layer of sigmoids', head: dense({ hidden: [32], activation: sigmoid }) },
];
