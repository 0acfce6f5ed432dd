import { describe, expect, test } from 'vitest';
import { compileFunction } from '../engine/index.ts';
import { evaluate, referenceEngine } from '../engine/reference/index.ts';
import * as nn from '../nn/index.ts';
import {
  add,
  div,
  iota,
  mean,
  mul,
  type NdArray,
  ndarray,
  random,
  square,
  sub,
  sum,
  type Tensor,
  trace,
  tree,
  valueAndGrad,
  vmap,
} from '../tensor/index.ts';
import { codes, type HeadInit, heads, hyperfanIn, hypernetwork, kaimingInit } from './index.ts';

/** What the test knows of a module of three levels. */
interface Model {
  readonly spec: unknown;
  init(key: Tensor): unknown;
  apply(params: unknown, input: unknown): Tensor;
}

/** A network of tanh layers, a hypernetwork that generates its kernels, one that generates that, and one above. */
function three(init: HeadInit = hyperfanIn()): Model {
  const net = nn.mlp({ in: 2, hidden: [4, 4], out: 2, activation: nn.tanh });
  const first = hypernetwork(net, { code: 3, head: heads.dense({ hidden: [4], init }), generate: '**.weight' });
  const second = hypernetwork(first, {
    code: codes.embeddings({ count: 3, size: 3 }),
    head: heads.dense({ init }),
    base: true,
  });
  const third = hypernetwork(second, {
    code: 2,
    head: heads.dense({ hidden: [5], init }),
    generate: ['head.**', 'code.**'],
  });
  return third as unknown as Model;
}

const index = { dtype: 'int32', shape: [], data: Int32Array.of(1) } as const satisfies NdArray;
const inputs = {
  upper: ndarray([0.7, -1.2]),
  lower: ndarray([1.1, -0.4, 0.8]),
  x: ndarray([0.3, -0.9]),
};
type Inputs = { readonly [K in keyof typeof inputs]: Tensor };

describe('three levels', () => {
  test('gradients of every weight and code agree with finite differences along random directions', () => {
    const model = three();
    const loss = (at: { readonly params: unknown; readonly inputs: Inputs }, row: Tensor): Tensor => {
      const { upper, lower, x } = at.inputs;
      const input = { code: upper, input: { code: row, input: { code: lower, input: x } } };
      return sum(square(add(model.apply(at.params, input), 0.5)));
    };
    const compare = (key: Tensor, row: Tensor, given: Inputs) => {
      // Away from a start at which a base or a bias is 0.
      const params = tree.mapWithPath(
        (w: Tensor, path) => add(w, mul(random.normal(random.foldIn(key, nn.pathHash(path)), w.shape), 0.1)),
        model.init(key),
      );
      const at = { params, inputs: given };
      const [, gradient] = valueAndGrad(loss)(at, row);
      const gradients = tree.flatten<Tensor>(gradient);
      return Object.entries(tree.flatten<Tensor>(at)).map(([path, w]) => {
        const direction = random.normal(random.foldIn(random.foldIn(key, 1), nn.pathHash(path)), w.shape);
        const moved = (by: number) =>
          loss(tree.mapWithPath((v: Tensor, p) => (p === path ? add(v, mul(direction, by)) : v), at) as typeof at, row);
        const step = 1e-5;
        return {
          slope: sum(mul(gradients[path]!, direction)),
          difference: div(sub(moved(step), moved(-step)), 2 * step),
        };
      });
    };
    const key = random.keyArray(3);
    const { program, output } = trace(compare as never, key, index, inputs);
    const rows = tree.unflatten(
      output,
      evaluate(program, [key, index, ...Object.values(inputs)]),
    ) as never as readonly {
      readonly slope: NdArray;
      readonly difference: NdArray;
    }[];
    const names = Object.keys(tree.flatten(model.spec));
    expect(rows).toHaveLength(names.length + 3);
    rows.forEach(({ slope, difference }, i) => {
      const name = names[i] ?? `input ${i}`;
      expect(Math.abs(slope.data[0]!), name).toBeGreaterThan(1e-7);
      expect(difference.data[0]! / slope.data[0]!, name).toBeCloseTo(1, 5);
    });
  });

  test('a level above is generated once for all that lies below it', () => {
    const lower = hypernetwork(nn.mlp({ in: 1, hidden: [3], out: 1 }), { code: 2, head: heads.dense() });
    const upper = hypernetwork(nn.each(lower) as never, { code: 2, head: heads.dense() }) as unknown as Model;
    const apply = (key: Tensor, code: Tensor, member: Tensor, x: Tensor) =>
      upper.apply(upper.init(key), { code, input: { code: member, input: x } });
    const avals = ([[2], [6, 2], [6, 7, 1]] as const).map((shape) => ({ dtype: 'float32', shape }) as const);
    const { program } = trace(apply as never, random.keyArray(0), ...avals);
    const rows = program.nodes.filter(({ op }) => op === 'matmul').map(({ outputs }) => outputs[0]!.shape);
    // Two generators of the upper level for each of the lower's four heads, for one family; the rest is for six members.
    expect(rows.filter((shape) => shape.length === 2 && shape[0] === 1)).toHaveLength(8);
    expect(rows.filter((shape) => shape[0] === 6)).toHaveLength(rows.length - 8);
  });

  test('hyperfan-in keeps the scale of the output through three levels, Kaiming heads do not', async () => {
    const scale = async (init: HeadInit): Promise<number> => {
      const net = nn.mlp({ in: 4, hidden: [8, 8], out: 4 });
      const level = (target: unknown) => hypernetwork(target as nn.Module, { code: 4, head: heads.dense({ init }) });
      const model = level(level(level(net))) as unknown as Model;
      // For each of some examples, mean squares of the generated network's output and of an ordinary one's.
      const measure = (key: Tensor) => {
        const [weights, others] = random.split(key, 2) as [Tensor, Tensor];
        const own = model.init(weights);
        return vmap((row: Tensor) => {
          const [upper, middle, lower, x] = random
            .split(random.foldIn(others, row), 4)
            .map((k) => random.normal(k, [4])) as [Tensor, Tensor, Tensor, Tensor];
          const y = model.apply(own, { code: upper, input: { code: middle, input: { code: lower, input: x } } });
          return [mean(square(y)), mean(square(net.apply(net.init(weights), x)))];
        })(iota(64));
      };
      const compiled = await compileFunction(referenceEngine(), measure, random.keyArray(0));
      const samples: NdArray[][] = [];
      for (let i = 0; i < 15; i++) samples.push((await compiled(random.keyArray(i))) as NdArray[]);
      const median = (side: 0 | 1): number => {
        const values = samples.flatMap((sample) => [...sample[side]!.data]);
        return values.sort((a, b) => a - b)[values.length / 2]!;
      };
      return median(0) / median(1);
    };
    const right = await scale(hyperfanIn());
    expect(right).toBeGreaterThan(0.1);
    expect(right).toBeLessThan(10);
    expect(await scale(kaimingInit())).toBeGreaterThan(1e3);
  });
});
