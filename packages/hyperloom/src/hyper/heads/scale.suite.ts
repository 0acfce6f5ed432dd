import type { HeadSample } from './contract.suite.ts';
import { scale } from './scale.ts';

// The last: scales of what starts at zero.
const late = /^codes$|\.bias\.weight\.(weight|bias)$/;
const reason = 'scales start at 1 for every code, so that neither the code nor what it passes through matters at first';

export const samples: readonly HeadSample[] = [
  { title: 'affine', head: scale(), wakes: { reason, paths: late } },
  {
    title: 'one hidden layer',
    head: scale({ hidden: [8] }),
    wakes: { reason, paths: new RegExp(`${late.source}|^params\\.head\\.hidden`) },
  },
];
