import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ortEngine } from '../../engine/ort/index.ts';
import { referenceEngine } from '../../engine/reference/index.ts';
import { decodeCheckpoint, encodeCheckpoint, restoreTree } from '../../io/index.ts';
import { countParams, type WeightSpec } from '../../nn/index.ts';
import { type NdArray, tree } from '../../tensor/index.ts';
import { type AnyHead, codes, heads, plan } from '../index.ts';
import { zoo } from '../zoo.suite.ts';
import { batch, firstActivations, type HeadSample, type Observation, observation, stepped } from './contract.suite.ts';

/** Every head of this folder: a file that is no index, test or suite. */
const names = readdirSync(import.meta.dirname)
  .filter((file) => /^\w+\.ts$/.test(file) && file !== 'index.ts')
  .map((file) => file.slice(0, -'.ts'.length));

const samplesOf = async (name: string): Promise<readonly HeadSample[]> =>
  import(`./${name}.suite.ts`).then(
    ({ samples }) => samples as readonly HeadSample[],
    (cause) => {
      throw new Error(`heads/${name}.ts: expected samples for the contract in heads/${name}.suite.ts`, { cause });
    },
  );

const all = await Promise.all(names.map(async (name) => ({ name, samples: await samplesOf(name) })));

test('every head is exported under the name of its file and has samples', () => {
  expect(Object.keys(heads).sort()).toEqual([...names].sort());
  for (const { name, samples } of all) expect(samples.length, name).toBeGreaterThan(0);
});

const isZero = ({ data }: NdArray): boolean => data.every((x) => Math.abs(x) < 1e-12);

/** The largest difference of two arrays, against the largest number. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const scale = Math.max(1e-3, ...Array.from(b, Math.abs));
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!))) / scale;
}

const row = ({ data }: NdArray, b: number) => data.slice((b * data.length) / batch, ((b + 1) * data.length) / batch);

describe.each(all)('$name', ({ samples }) => {
  const pairs = samples.flatMap((sample) => Object.keys(zoo).map((target) => ({ sample, target })));
  const runs = pairs.filter(({ sample, target }) => !sample.skip?.targets.includes(target));
  const skipped = pairs.filter((pair) => !runs.includes(pair));
  const label = ({ sample, target }: (typeof pairs)[number]) => `${sample.title}: ${target}`;

  test.skip.each(skipped.map((pair) => ({ title: `${label(pair)}: ${pair.sample.skip!.reason}` })))('$title', () => {});

  describe.each(runs.map((pair) => ({ title: label(pair), ...pair })))('$title', ({ sample, target }) => {
    let seen: Observation;
    beforeAll(async () => {
      seen = await observation(referenceEngine(), sample, zoo[target]!());
    });

    test('generates what the spec asks for, and as many parameters as the planner says', () => {
      const { model, params, weights } = seen;
      const shapes = Object.entries(model.generated)
        .map(([path, { shape, dtype }]) => [path, dtype, shape])
        .sort();
      for (const own of weights) {
        expect(
          Object.entries(own)
            .map(([path, { shape, dtype }]) => [path, dtype, shape])
            .sort(),
        ).toEqual(shapes);
        for (const { data } of Object.values(own)) expect(data.every(Number.isFinite)).toBe(true);
      }
      const made = tree.leaves<NdArray>(params).reduce((n, { data }) => n + data.length, 0);
      expect(countParams(model.spec)).toBe(made);
      const { generate, input } = zoo[target]!();
      const code = sample.code === 0 ? codes.none() : (sample.code ?? 6);
      const { entries } = plan(model.target, { code, input, generate, heads: { it: sample.head as AnyHead } });
      expect(entries[0]!.parameters).toBe(made);
    });

    test('gradients reach code, head and stored weights', async () => {
      const still = new Set(
        Object.entries(tree.flatten<WeightSpec>(seen.model.spec)).flatMap(([path, { trained }]) =>
          trained ? [] : [`params.${path}`],
        ),
      );
      const live = (path: string): boolean => !still.has(path) && (path !== 'codes' || sample.code !== 0);
      const unreached = ({ gradients }: Observation) =>
        Object.keys(gradients).filter((path) => live(path) && isZero(gradients[path]!));
      const early = unreached(seen);
      expect(early.filter((path) => !sample.wakes?.paths.test(path))).toEqual([]);
      if (early.length === 0) return;
      const late = unreached(await seen.again(stepped(seen)));
      expect(late.filter((path) => early.includes(path))).toEqual([]);
    });

    test('a code for each example equals a loop', () => {
      const { weights, batchedWeights, outputs, batchedOutputs } = seen;
      weights.forEach((own, b) => {
        for (const [path, { data }] of Object.entries(own))
          expect(distance(row(batchedWeights[path]!, b), data), path).toBeLessThan(1e-6);
      });
      outputs.forEach(({ data }, b) => {
        expect(distance(row(batchedOutputs, b), data)).toBeLessThan(1e-6);
      });
    });

    test('saved and loaded, it generates the same bits', async () => {
      const { model, params, weights } = seen;
      const bytes = await encodeCheckpoint({ trees: { params }, step: 0, config: null });
      const restored = restoreTree(await decodeCheckpoint(bytes, 'head'), 'params', model.spec);
      const again = await seen.again(restored);
      expect(again.weights).toEqual(weights);
    });
  });

  describe('first activations', () => {
    const engine = ortEngine({ threads: 1, spinning: false });
    afterAll(() => engine.dispose());

    const labelled = samples.map((sample) => ({
      sample,
      label: [sample.title, sample.deep?.reason, sample.spread?.reason].filter((part) => part !== undefined).join(': '),
    }));
    const cannot = labelled.filter(({ sample }) => sample.spread && !sample.spread.within);
    test.skip.each(cannot)('of eight layers, $label', () => {});
    test.each(labelled.filter((entry) => !cannot.includes(entry)))(
      'of eight layers are those of the ordinary start, $label',
      async ({ sample }) => {
        const [low, high] = sample.spread?.within ?? [0.5, 2];
        const ratio = await firstActivations(engine, sample, 60);
        if (process.env.SPREAD) console.log(sample.title, ratio);
        expect(ratio).toBeGreaterThan(low);
        expect(ratio).toBeLessThan(high);
      },
    );
  });
});
