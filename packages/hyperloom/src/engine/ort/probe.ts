import { encodeProbe } from '../../onnx/index.ts';
import type { Runtime } from './runtime.ts';

/** Found sizes of the blocked kernels, by build of the runtime. */
const found = new WeakMap<Runtime['module'], Promise<0 | 8 | 16>>();

/**
 * How many channels the runtime's blocked convolution kernels take at once on this processor; 0 where it has none.
 * Asked by running a tiny convolution: the answer is right only when the kernel is there and blocks as it was told.
 */
export function blockSize(runtime: Runtime): Promise<0 | 8 | 16> {
  const { module } = runtime;
  const known = found.get(module) ?? ask(runtime);
  found.set(module, known);
  return known;
}

async function ask(runtime: Runtime): Promise<0 | 8 | 16> {
  for (const block of [16, 8] as const) if (await works(runtime, block)) return block;
  return 0;
}

async function works({ module, session: options }: Runtime, block: 8 | 16): Promise<boolean> {
  const { model, input, expected } = encodeProbe(block);
  try {
    const session = await module.InferenceSession.create(model, { ...options, logSeverityLevel: 4 });
    try {
      const { y } = await session.run({ x: new module.Tensor('float32', input.data, input.shape) });
      const data = y!.data as Float32Array;
      return data.length === expected.length && expected.every((value, i) => Math.abs(value - data[i]!) < 1e-3);
    } finally {
      await session.release();
    }
  } catch {
    return false;
  }
}
