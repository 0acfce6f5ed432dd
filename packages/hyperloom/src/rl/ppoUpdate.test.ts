import { expect, test } from 'vitest';
import { runOnce } from '../engine/index.ts';
import { referenceEngine } from '../engine/reference/index.ts';
import { type Flat, goldenCases } from '../nn/goldens.suite.ts';
import * as nn from '../nn/index.ts';
import * as optim from '../optim/index.ts';
import { type NdArray, ndarray, random, type Tensor, tree, zerosArray } from '../tensor/index.ts';
import { packing } from '../train/index.ts';
import { type Agent, actorCritic, type World } from './agent.ts';
import type { ActionSpec } from './environment.ts';
import { ppoUpdate } from './ppoUpdate.ts';
import type { Path } from './rollout.ts';

type Key = 'reward' | 'value' | 'nextValue' | 'terminated' | 'over' | 'observation' | 'action' | 'logProb';
interface Case {
  readonly action: ActionSpec;
  readonly options: Readonly<Record<'discount' | 'lambda' | 'clip' | 'entropy' | 'valueWeight', number>>;
  readonly params: unknown;
  readonly path: Readonly<Record<Key, Flat>>;
  readonly terms: Readonly<Record<string, number>>;
  readonly gradient: unknown;
}
const cases = goldenCases<Case>('rl.json');

const f32 = ({ shape, data }: Flat): NdArray => ndarray(Float32Array.from(data), shape);
const bool = ({ shape, data }: Flat): NdArray => ndarray(Uint8Array.from(data), shape, 'bool');
const i32 = ({ shape, data }: Flat): NdArray => ndarray(Int32Array.from(data), shape);
/** Weights as the scripts write them, by path. */
function flatten(weights: unknown, path = ''): Record<string, Flat> {
  if ('data' in (weights as object)) return { [path]: weights as Flat };
  const parts = Object.entries(weights as Readonly<Record<string, unknown>>);
  return Object.assign({}, ...parts.map(([key, part]) => flatten(part, path === '' ? key : `${path}.${key}`)));
}

test.each(['discrete', 'continuous'])(
  'one update of %s actions has the terms and the gradient of PyTorch',
  async (name) => {
    const { action, options, params, path, terms, gradient } = cases[`update.${name}`]!;
    const world: World = { name, spec: { observation: ['a', 'b', 'c'], action, physics: {}, limit: 8 } };
    const net = (out: number) => nn.mlp({ in: 3, hidden: [4], out, activation: nn.tanh });
    const policy = net(action.kind === 'discrete' ? action.count : action.size);
    const agent = actorCritic({ environment: world, policy, value: net(1), normalise: false });
    const layout = packing(agent.spec);
    const own = flatten(params);
    expect(Object.keys(own).sort()).toEqual([...layout.trained].sort());
    const packed = layout.gather(tree.mapWithPath((_, at) => f32(own[at]!), agent.spec));

    const [copies, steps] = path.reward.shape as [number, number];
    const numbers = agent.distribution.numbers;
    const { observation, action: taken, terminated, over, ...floats } = path;
    const paths = {
      ...Object.fromEntries(Object.entries(floats).map(([key, flat]) => [key, f32(flat)])),
      seen: {
        observation: f32(observation),
        last: {
          action: zerosArray('float32', [copies, steps, numbers]),
          reward: zerosArray('float32', [copies, steps]),
          first: zerosArray('float32', [copies, steps]),
        },
      },
      memory: {},
      born: zerosArray('bool', [copies, steps]),
      action: action.kind === 'discrete' ? i32(taken) : f32(taken),
      terminated: bool(terminated),
      over: bool(over),
    };
    // A step of plain descent by 1 takes the gradient off the weights.
    const settings = { ...options, epochs: 1, batches: 1, optimizer: optim.sgd(1) };
    const update = (theta: Tensor, all: Path, key: Tensor) => {
      const before = { theta, rest: null, optimizer: settings.optimizer.init(theta) };
      const subject = { model: agent as unknown as Agent, layout };
      const { theta: after, loss, metrics, gradientNorm } = ppoUpdate(subject, before, all, key, settings);
      return { after, gradientNorm, terms: { loss, ...metrics } };
    };
    const got = await runOnce(referenceEngine(), update, packed.theta, paths as never, random.keyArray(0));

    const measured = Object.fromEntries(Object.entries(got.terms).map(([key, { data }]) => [key, data[0]!]));
    expect(Object.keys(measured).sort()).toEqual(Object.keys(terms).sort());
    for (const [key, x] of Object.entries(terms)) expect(Math.abs(measured[key]! - x), key).toBeLessThan(1e-5);
    const found = tree.flatten<NdArray>(layout.views({ theta: got.after, rest: null }));
    const slopes = flatten(gradient);
    for (const [at, { data }] of Object.entries(slopes))
      data.forEach((x, i) => {
        expect(Math.abs(own[at]!.data[i]! - found[at]!.data[i]! - x), `${at} ${i}`).toBeLessThan(1e-5);
      });
    const norm = Math.hypot(...Object.values(slopes).flatMap(({ data }) => data));
    expect(Math.abs(got.gradientNorm.data[0]! - norm)).toBeLessThan(1e-5);
  },
);
