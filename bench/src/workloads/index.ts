export { denseHead } from './denseHead.ts';
export { hyperLstm, hyperLstmModel } from './hyperLstm.ts';
export { lstm } from './lstm.ts';
export { type Figure, figures } from './micro.ts';
export { mnist } from './mnist.ts';
export { perExample } from './perExample.ts';
export { perExampleConv } from './perExampleConv.ts';
export type { Workload } from './workload.ts';
