import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../engine/index.ts';
import { ortEngine } from '../../engine/ort/index.ts';
import { evaluate, referenceEngine } from '../../engine/reference/index.ts';
import {
  add,
  constant,
  mul,
  type NdArray,
  ndarray,
  random,
  stack,
  sum,
  type Tensor,
  trace,
  tree,
  valueAndGrad,
} from '../../tensor/index.ts';
import * as nn from '../index.ts';

interface Flat {
  readonly shape: number[];
  readonly data: number[];
}
interface Case {
  readonly kind: keyof typeof layers;
  readonly options: { readonly dropout?: number };
  readonly mask?: Flat;
  readonly inputs: Record<string, Flat>;
  readonly params: Record<string, Flat>;
  readonly cotangents: Record<string, Flat>;
  readonly output: Flat;
  readonly last: Record<string, Flat>;
  readonly grads: Record<string, Flat>;
}
const golden: { readonly cases: Record<string, Case> } = JSON.parse(
  readFileSync(new URL('../../../goldens/recurrent.json', import.meta.url), 'utf8'),
);

const engines: readonly { readonly name: string; readonly engine: Engine; readonly float: 'float64' | 'float32' }[] = [
  { name: 'reference', engine: referenceEngine(), float: 'float64' },
  { name: 'ort', engine: ortEngine({ threads: 1, spinning: false }), float: 'float32' },
];
afterAll(async () => {
  for (const { engine } of engines) await engine.dispose();
});

/** Any layer of the goldens, its types forgotten. */
interface AnyRecurrent {
  readonly spec: unknown;
  readonly state: unknown;
  unroll(params: never, input: never, context?: nn.Context): { readonly y: Tensor; readonly state: unknown };
}

const { rnn, gru, lstm, hyperRnn, hyperLstm } = nn;
const layers = { rnn, gru, lstm, hyperRnn, hyperLstm };

const key = random.key(5);
/** The largest difference; a number counts relative to what it should be where that is above 1. */
const difference = (got: NdArray, { shape, data }: Flat): number => {
  expect(got.shape).toEqual(shape);
  return Math.max(...data.map((x, i) => Math.abs(got.data[i]! - x) / Math.max(1, Math.abs(x))));
};

/** Runs a case: the largest difference of outputs, last state and gradients, by name. */
async function differences(item: Case, engine: Engine, float: 'float64' | 'float32'): Promise<Record<string, number>> {
  const { kind, options, inputs, params, cotangents, output, last, grads } = item;
  const array = ({ shape, data }: Flat): NdArray =>
    ndarray(float === 'float64' ? Float64Array.from(data) : Float32Array.from(data), shape);
  const layer = layers[kind](options as never) as unknown as AnyRecurrent;
  const paths = tree.paths(layer.spec).map((path) => path.replace(/^layer0\./, ''));
  expect(new Set(paths)).toEqual(new Set(Object.keys(params)));
  const states = tree.paths(layer.state).map((path) => path.replace(/^layer0\./, ''));
  expect(new Set(states)).toEqual(new Set(Object.keys(last)));
  const wrt = {
    x: array(inputs.x!),
    params: tree.unflatten(
      layer.spec,
      paths.map((path) => array(params[path]!)),
    ),
    state: tree.unflatten(
      layer.state,
      states.map((path) => array(inputs[`state.${path}`]!)),
    ),
  };
  const context = options.dropout === undefined ? {} : { training: true, key };
  const score = (p: { readonly x: Tensor; readonly params: unknown; readonly state: unknown }) => {
    const { y, state } = layer.unroll(p.params as never, { x: p.x, state: p.state } as never, context as nn.Context);
    const ends = tree.leaves<Tensor>(state);
    const parts = ends.map((t, i) => sum(mul(t, constant(array(cotangents[`state.${states[i]!}`]!)))));
    return [[sum(mul(y, constant(array(cotangents.y!)))), ...parts].reduce(add), [y, ...ends]] as const;
  };
  const { program } = trace(
    valueAndGrad(score as (p: never) => readonly [Tensor, readonly Tensor[]], { aux: true }),
    wrt as never,
  );
  const [, ...results] = await (await engine.compile(program)).run(tree.leaves<NdArray>(wrt));
  const wanted: [string, Flat][] = [
    ['y', output],
    ...states.map((path) => [`last.${path}`, last[path]!] as [string, Flat]),
    ['grad x', grads.x!],
    ...paths.map((path) => [`grad ${path}`, grads[`params.${path}`]!] as [string, Flat]),
    ...states.map((path) => [`grad ${path}`, grads[`state.${path}`]!] as [string, Flat]),
  ];
  expect(results).toHaveLength(wanted.length);
  return Object.fromEntries(wanted.map(([name, flat], i) => [name, difference(results[i]!, flat)]));
}

describe.each(engines)('$name', ({ engine, float }) => {
  test.each(Object.keys(golden.cases))('%s: outputs, last state and every gradient', async (name) => {
    const found = await differences(golden.cases[name]!, engine, float);
    const within = float === 'float64' ? 1e-9 : 2e-5;
    expect(Object.entries(found).filter(([, d]) => !(d < within))).toEqual([]);
  });
});

test('the goldens drop what is drawn from the key', () => {
  const { mask, options } = Object.values(golden.cases).find((item) => item.mask)!;
  const own = random.foldIn(key, nn.pathHash('layer0'));
  const [steps, units] = mask!.shape as [number, number];
  const drawn = evaluate(
    trace(() =>
      stack(
        Array.from({ length: steps }, (_, t) => random.bernoulli(random.foldIn(own, t), 1 - options.dropout!, [units])),
      ),
    ).program,
    [],
  );
  expect(Array.from(drawn[0]!.data, (kept) => kept / (1 - options.dropout!))).toEqual(mask!.data);
});
