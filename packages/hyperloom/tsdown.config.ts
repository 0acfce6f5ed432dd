import { defineConfig } from 'tsdown';
import manifest from './package.json' with { type: 'json' };

/** One entry for each subpath of `exports`: src/nn/index.ts becomes dist/nn/index.js. */
const entry = Object.fromEntries(
  Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : [[target.default.slice('./dist/'.length, -'.js'.length), target.source]],
  ),
);

export default defineConfig({
  entry,
  format: 'esm',
  platform: 'neutral',
  target: 'node20.19',
  dts: true,
  sourcemap: true,
  fixedExtension: false,
  copy: '../../LICENSE',
});
