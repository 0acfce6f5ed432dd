import { type NdArray, ndarray } from 'hyperloom/tensor';

/** Places, from -1 to 1, of the centres of a square picture's pixels, from left to right and downwards, [size * size, 2]. */
export function squarePlaces(size: number): NdArray {
  const centre = (i: number) => (2 * i + 1) / size - 1;
  const places = new Float32Array(size * size * 2);
  for (let i = 0; i < size * size; i++) {
    places[2 * i] = centre(i % size);
    places[2 * i + 1] = centre(Math.floor(i / size));
  }
  return ndarray(places, [size * size, 2]);
}
