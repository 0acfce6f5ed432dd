import { zoo } from '../zoo.suite.ts';
import { compose } from './compose.ts';
import type { HeadSample } from './contract.suite.ts';
import { dense } from './dense.ts';
import { widths } from './widths.ts';

const others = Object.keys(zoo).filter((name) => name !== 'gated');
const reason = 'without gates';

export const samples: readonly HeadSample[] = [
  {
    title: 'beside a head for the rest',
    head: compose({ '**.gate': widths(), '**': dense() }),
    skip: { reason, targets: others },
    spread: { reason },
  },
  {
    title: 'one share for all',
    head: compose({ '**.gate': widths({ uniform: true }), '**': dense() }),
    skip: { reason, targets: others },
    spread: { reason },
  },
];
