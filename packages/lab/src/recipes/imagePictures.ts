import type { ImageRow, Pixels } from '../report/imageGrid.ts';
import type { LabelledImages } from './tasks/images.ts';

/** Image number `i` of some, as it is shown. */
export function pictureOf({ images: { shape, data } }: LabelledImages, i: number, form = shape.slice(1)): Pixels {
  const length = form.reduce((n, d) => n * d, 1);
  return { shape: form, data: Float32Array.from(data.subarray(i * length, (i + 1) * length), (byte) => byte / 255) };
}

/** Classes that a picture has room for. */
const rowsShown = 20;

/** Test images that are taken for another class, a row for each true one; of many classes the first. */
export function mistaken(
  { classes, test }: { readonly classes: readonly string[]; readonly test: LabelledImages },
  found: Int32Array,
  most: number,
): ImageRow[] {
  return classes.slice(0, rowsShown).map((name, label): ImageRow => {
    const own = [...found.keys()].filter((i) => test.labels.data[i] === label);
    const wrong = own.filter((i) => found[i] !== label);
    const shown = wrong.slice(0, most);
    return {
      name: `${name}: ${wrong.length} of ${own.length}`,
      images: shown.map((i) => pictureOf(test, i)),
      labels: shown.map((i) => classes[found[i]!] ?? 'none'),
    };
  });
}

/** Makes pictures of signed values from -1 (blue) to 1 (red); the palette is loaded with the first. */
export async function signedPixels(): Promise<
  (shape: readonly [number, number], value: (at: number) => number) => Pixels
> {
  const { diverging } = await import('../report/palette.ts');
  return ([height, width], value) => {
    const plane = height * width;
    const data = new Float32Array(3 * plane);
    for (let at = 0; at < plane; at++)
      for (const [c, byte] of diverging(value(at)).entries()) data[c * plane + at] = byte / 255;
    return { shape: [3, height, width], data };
  };
}
