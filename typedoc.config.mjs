import { readFileSync } from 'node:fs';

const root = new URL('./packages/hyperloom/', import.meta.url);
const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

export default {
  name: 'hyperloom',
  readme: 'none',
  excludeInternal: true,
  out: 'docs/reference',
  entryPoints: Object.values(exports)
    .filter((entry) => entry.source)
    .map((entry) => `packages/hyperloom/${entry.source.slice(2)}`),
};
