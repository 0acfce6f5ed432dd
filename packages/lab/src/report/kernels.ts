import type { NdArray } from 'hyperloom/tensor';
import { PNG } from 'pngjs';
import { diverging } from './palette.ts';

/**
 * Convolution kernels [outputs, inputs, height, width] as a PNG: a row for each output channel, a column for each input
 * channel, blue for negative and red for positive weights, on one scale.
 */
export function kernelSheet({ shape, data }: NdArray, { zoom = 4, gap = 2 } = {}): Uint8Array {
  const [outputs, inputs, height, width] = shape as [number, number, number, number];
  const [cellWidth, cellHeight] = [width * zoom + gap, height * zoom + gap];
  const png = new PNG({ width: inputs * cellWidth + gap, height: outputs * cellHeight + gap });
  const limit = Array.from(data).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
  for (let o = 0; o < outputs; o++) {
    for (let c = 0; c < inputs; c++) {
      for (let y = 0; y < height * zoom; y++) {
        for (let x = 0; x < width * zoom; x++) {
          const at = ((o * inputs + c) * height + Math.floor(y / zoom)) * width + Math.floor(x / zoom);
          const pixel = ((o * cellHeight + gap + y) * png.width + c * cellWidth + gap + x) * 4;
          png.data.set([...diverging(data[at]! / limit), 255], pixel);
        }
      }
    }
  }
  return PNG.sync.write(png);
}
