import { adapters } from './adapters.ts';
import { chunked, chunkedLarge } from './chunked.ts';
import { denseHead } from './denseHead.ts';
import { expertsConv } from './expertsConv.ts';
import { hyperLstm, hyperLstmLong } from './hyperLstm.ts';
import { lstm } from './lstm.ts';
import { mnist } from './mnist.ts';
import { perExample } from './perExample.ts';
import { perExampleConv } from './perExampleConv.ts';
import { setEncoder } from './setEncoder.ts';
import type { Workload } from './workload.ts';

export { hyperLstm, hyperLstmModel } from './hyperLstm.ts';
export { type Figure, figures } from './micro.ts';
export type { Workload } from './workload.ts';

/** Every workload that is a training step, by name. */
export const trainings = {
  mnist,
  perExample,
  perExampleConv,
  denseHead,
  chunked,
  chunkedLarge,
  expertsConv,
  adapters,
  setEncoder,
  hyperLstm,
  hyperLstmLong,
  lstm,
} satisfies Record<string, Workload>;
export type TrainingName = keyof typeof trainings;
