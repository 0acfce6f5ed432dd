import { chunked } from './chunked.ts';
import type { HeadSample } from './contract.suite.ts';

export const samples: readonly HeadSample[] = [
  { title: 'uneven last chunk', head: chunked({ chunk: 30, embedding: 16, hidden: [32] }) },
];
