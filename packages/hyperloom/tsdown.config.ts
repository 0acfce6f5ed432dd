import { defineConfig } from 'tsdown';

const rooms = [
  'tensor',
  'nn',
  'hyper',
  'optim',
  'train',
  'data',
  'io',
  'onnx',
  'engine',
  'engine/ort',
  'engine/reference',
];

/** One entry for each subpath of `exports` in package.json. */
const entry = Object.fromEntries([
  ['index', 'src/index.ts'],
  ...rooms.map((room) => [`${room}/index`, `src/${room}/index.ts`]),
]);

export default defineConfig({
  entry,
  format: 'esm',
  platform: 'neutral',
  target: 'node20.19',
  dts: true,
  sourcemap: true,
  fixedExtension: false,
});
