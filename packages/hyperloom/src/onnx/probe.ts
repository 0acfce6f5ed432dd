import type { NdArray } from '../tensor/index.ts';
import { Builder } from './builder.ts';
import { encodeModel } from './proto.ts';

const side = 4;

/**
 * A tiny model that uses ONNX Runtime's blocked kernels: a 1x1 convolution that multiplies each channel by its number
 * and moves it to the next. It gives `expected` only where the kernels take `block` channels at once.
 */
export function encodeProbe(block: 8 | 16): {
  model: Uint8Array;
  input: NdArray & { data: Float32Array };
  expected: Float32Array;
} {
  const b = new Builder();
  const domain = 'com.microsoft.nchwc';
  const channels = 2 * block;
  const pixels = side * side;
  const data = Float32Array.from({ length: channels * pixels }, (_, i) => Math.sin(i));
  const expected = new Float32Array(data.length);
  const kernel = new Float32Array(channels * channels);
  for (let i = 0; i < channels; i++) {
    const o = (i + 1) % channels;
    for (let p = 0; p < pixels; p++) expected[o * pixels + p] = (i + 1) * data[i * pixels + p]!;
    // [O / block, I / block, 1, 1, block of I, block of O]
    const at = (Math.floor(o / block) * 2 + Math.floor(i / block)) * block * block + (i % block) * block + (o % block);
    kernel[at] = i + 1;
  }
  const shape = [1, channels, side, side];
  const weights = b.array({ dtype: 'float32', shape: [channels, channels, 1, 1], data: kernel });
  const blocked = b.node('ReorderInput', [b.unique('x')], {}, { domain });
  const product = b.node(
    'Conv',
    [blocked, weights],
    { kernel_shape: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 },
    { domain },
  );
  const y = b.node('ReorderOutput', [product], { channels }, { domain });
  b.rename(y, 'y');
  const [x, out] = ['x', 'y'].map((name) => ({ name, dtype: 'float32' as const, shape }));
  return { model: encodeModel(b.graph([x!], [out!])), input: { dtype: 'float32', shape, data }, expected };
}
