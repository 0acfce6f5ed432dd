import type { HeadSample } from './contract.suite.ts';
import { experts } from './experts.ts';

const wakes = {
  reason: 'experts that all start at zero give their coefficients no gradient',
  paths: /^params\.head\.gates\./,
};

export const samples: readonly HeadSample[] = [
  { title: 'sigmoid', head: experts({ count: 4, gate: 'sigmoid' }), wakes },
  {
    title: 'softmax of a low temperature',
    head: experts({ count: 3, gate: 'softmax', temperature: 0.5, hidden: [8] }),
    wakes,
  },
  {
    title: 'softmax of a temperature that falls',
    head: experts({ count: 3, gate: 'softmax', temperature: { from: 34, to: 1, by: 3, every: 10 } }),
    wakes,
  },
];
