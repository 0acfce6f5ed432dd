import { deepGated, zoo } from '../zoo.suite.ts';
import { compose } from './compose.ts';
import type { HeadSample } from './contract.suite.ts';
import { dense } from './dense.ts';
import { type GatesOptions, gates } from './gates.ts';

const sample = (title: string, options: GatesOptions): HeadSample => ({
  title,
  head: compose({ '**.gate': gates(options), '**': dense() }),
  skip: { reason: 'a target without gates', targets: Object.keys(zoo).filter((name) => name !== 'gated') },
  deep: { reason: 'each with gates on its units', make: deepGated },
});

export const samples: readonly HeadSample[] = [
  sample('hard concrete', {}),
  {
    ...sample('hard concrete, one hidden layer, nine of ten open', { hidden: [8], open: 0.9 }),
    spread: { reason: 'gates of 0.67 eight times', within: [2e-4, 0.02] },
  },
  sample('gumbel', { kind: 'gumbel', hidden: [8], open: 0.95 }),
];
