import { runOnce } from 'hyperloom/engine';
import { referenceEngine } from 'hyperloom/engine/reference';
import { mean, type NdArray, type Tensor, vmap } from 'hyperloom/tensor';
import type { Example } from 'hyperloom/train';
import { expect, test } from 'vitest';
import { batchSizes, seededInputs } from '../peers/inputs.ts';
import { batchesOf, startingWeights } from './training.ts';
import { trainings, type Workload } from './workloads/index.ts';

const { denseHead, hyperLstm, lstm, mnist, perExample, perExampleConv } = trainings;

/** PyTorch's loss before the first step, as `npx tsx bench/peers/check.ts` prints it. */
const torch = [
  { workload: mnist, batch: 4, loss: 2.30574 },
  { workload: perExample, batch: batchSizes.perExample, loss: 0.36305 },
  { workload: perExampleConv, batch: 4, loss: 2.4476 },
  { workload: denseHead, batch: batchSizes.denseHead, loss: 2.30622 },
  { workload: hyperLstm, batch: 2, loss: 4.23844 },
  { workload: lstm, batch: 2, loss: 4.15536 },
];

test.each(torch)('$workload.name starts from the loss of PyTorch', async ({ workload, batch, loss }) => {
  expect(await firstLoss(workload, batch)).toBeCloseTo(loss, 4);
});

/** The mean loss of the first batch at the starting weights, by the reference engine. */
async function firstLoss(workload: Workload, batch: number): Promise<number> {
  const inputs = seededInputs(workload.name, batch);
  const loss = (params: never, batched: Example): Tensor => {
    const one = ({ input, target }: Example) =>
      workload.loss(workload.model.apply(params, input as never) as never, target as never);
    return mean(vmap(one)(batched));
  };
  const params = startingWeights(workload, inputs) as never;
  const first = batchesOf(workload, batch, inputs)[0] as never;
  const value: NdArray = await runOnce(referenceEngine(), loss, params, first);
  return value.data[0]!;
}
