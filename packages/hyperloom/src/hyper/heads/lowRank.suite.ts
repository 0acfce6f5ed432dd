import type { HeadSample } from './contract.suite.ts';
import { lowRank } from './lowRank.ts';

const wakes = {
  reason: 'of a matrix that starts at zero, the factor at zero alone has a gradient',
  paths: /^params\.head\.factors\..*\.bias\.weight\.a\./,
};

const spread = {
  reason:
    'of rank 1 the activations of single networks spread over orders of magnitude, and medians of 60 keys with them',
  within: [0.1, 20],
} as const;

export const samples: readonly HeadSample[] = [
  { title: 'rank 1', head: lowRank({ rank: 1 }), wakes, spread },
  { title: 'rank 4, one hidden layer', head: lowRank({ rank: 4, hidden: [8] }), wakes },
];
