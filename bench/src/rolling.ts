import type { Engine } from 'hyperloom/engine';
import { cartPole, physicsOf } from 'hyperloom/rl';
import {
  add,
  cast,
  greaterEqual,
  iota,
  mean,
  mul,
  type NdArray,
  ndarray,
  or,
  random,
  reshape,
  scan,
  slice,
  type Tensor,
  trace,
  tree,
  vmap,
  where,
  zerosArray,
} from 'hyperloom/tensor';
import type { Inputs } from '../peers/inputs.ts';
import type { Training } from './training.ts';

const world = cartPole();
const names = ['position', 'velocity', 'angle', 'spin'] as const;

/** Where the copies of the world are, and how many steps each episode has had. */
interface Rolling<T = Tensor> {
  readonly state: Readonly<Record<(typeof names)[number], T>>;
  readonly age: T;
}

/** One copy over the steps of its pushes: each to the right by its chance, and after the end of an episode a new one. */
function copy(now: Rolling, key: Tensor, push: Tensor, start: Tensor, spread: Tensor) {
  const physics = physicsOf(world);
  const [steps] = push.shape as [number];
  const actions = cast(random.bernoulli(random.foldIn(key, steps), cast(push, 'float32')), 'int32');
  const step = ({ state, age }: Rolling, { action, at }: { readonly action: Tensor; readonly at: Tensor }) => {
    const next = world.step(state, action, physics);
    const older = add(age, 1);
    const over = or(next.terminated, greaterEqual(older, world.spec.limit));
    const drawn = world.reset(random.foldIn(key, at), physics);
    const fresh = names.map((name, i) => {
      const given = reshape(slice(start, [[i, i + 1]]), []);
      return [name, where(over, add(given, mul(drawn[name], spread)), next.state[name])] as const;
    });
    const then: Rolling = { state: Object.fromEntries(fresh) as never, age: where(over, 0, older) };
    return [then, cast(over, 'float32')] as const;
  };
  const [last, over] = scan(step, now, { action: actions, at: iota(steps) });
  return { last, over: mean(over) };
}

/**
 * Cart-poles that are pushed at random, one program for all steps of a call: the share of steps that ended an episode is
 * in place of a loss. Random numbers are drawn, but chances are 0 or 1 and starts spread by 0, so that all sides agree.
 */
export async function startRolling(engine: Engine, copies: number, inputs: Inputs): Promise<Training> {
  const { 'data.push': push, 'data.start': start, spread } = inputs;
  const rounds = push!.shape[0]! / copies;
  const part = ({ data, shape }: Inputs[string], round: number): NdArray => {
    const size = data.length / rounds;
    return ndarray(data.slice(round * size, (round + 1) * size), [copies, ...shape.slice(1)]);
  };
  const batches = Array.from({ length: rounds }, (_, round) => [part(push!, round), part(start!, round)] as const);

  const begin = performance.now();
  const roll = (now: Rolling, key: Tensor, pushes: Tensor, starts: Tensor, wide: Tensor) => {
    const [next, own] = random.split(key) as [Tensor, Tensor];
    const each = (one: Rolling, i: Tensor, p: Tensor, s: Tensor) =>
      copy(one, random.foldIn(own, i), p, s, reshape(wide, []));
    const { last, over } = vmap(each)(now, iota(copies), pushes, starts);
    return { last, key: next, over: mean(over) };
  };
  const zeros = () => zerosArray('float32', [copies]);
  const resting: Rolling<NdArray> = {
    state: { position: zeros(), velocity: zeros(), angle: zeros(), spin: zeros() },
    age: zerosArray('int32', [copies]),
  };
  const wide = ndarray(spread!.data, [1]);
  const first = [resting, random.keyArray(0), ...batches[0]!, wide] as unknown as tree.Tree<NdArray>[];
  const { program, output } = trace(roll as (...args: never[]) => unknown, ...first);
  const executable = await engine.compile(program);
  const compileMs = performance.now() - begin;

  let now = [resting, random.keyArray(0)] as const;
  let count = 0;
  return {
    program,
    parameters: 0,
    compileMs,
    step: async () => {
      const args = [...now, ...batches[count++ % rounds]!, wide];
      const values = await executable.run(args.flatMap((arg) => tree.leaves<NdArray>(arg as never)));
      const { last, key, over } = tree.unflatten(output as unknown, values) as unknown as {
        readonly last: Rolling<NdArray>;
        readonly key: NdArray;
        readonly over: NdArray;
      };
      now = [last, key];
      return [over.data[0]!];
    },
    dispose: () => executable.dispose(),
  };
}
