import { type Random, randomAt } from 'hyperloom/data';
import type { MainModule, MjData, MjModel } from 'mujoco-js';

import type { Shared } from './shared.ts';
import type { Copy, World } from './world.ts';

/** A copy with the objects of MuJoCo that it is made of. */
interface Simulated extends Copy {
  readonly model: MjModel;
  readonly data: MjData;
  readonly ctrl: Float64Array;
}

/** Copies of a world from `first` on to `end`, in one instance of MuJoCo: the part of one thread. */
export interface Simulation {
  reset(): void;
  step(): void;
  /** Frees all models. */
  dispose(): void;
}

export function simulate(
  mujoco: MainModule,
  world: World,
  { first, end, shared }: { readonly first: number; readonly end: number; readonly shared: Shared },
): Simulation {
  const { spec, sites, frameSkip } = world;
  const parameters = Object.keys(spec.physics);
  const width = spec.observation.length;
  const size = spec.action.kind === 'continuous' ? spec.action.size : 1;
  const copies = shared.rewards.length;
  const all: Simulated[] = [];
  const [episodes, steps] = [new Float64Array(copies), new Int32Array(copies)];

  const row = (array: Float32Array, copy: number, length: number) => array.subarray(copy * length, (copy + 1) * length);
  const random = (copy: number): Random =>
    randomAt(shared.names[0] as number, shared.names[1] as number, copy, episodes[copy] as number);

  const load = (copy: number): void => {
    const values = parameters.map((_, i) => shared.physics[i * copies + copy] as number);
    const old = all[copy - first];
    // Compiling a model takes as long as a hundred steps of it.
    if (old && parameters.every((name, i) => old.physics[name] === values[i])) return;
    old?.data.delete();
    old?.model.delete();
    const physics = Object.fromEntries(parameters.map((name, i) => [name, values[i] as number]));
    const file = `/${world.name}.xml`;
    mujoco.FS.writeFile(file, world.xml(physics));
    const model = mujoco.MjModel.loadFromXML(file);
    const data = new mujoco.MjData(model);
    all[copy - first] = { physics, model, data, before: new Float64Array(model.nq), ...views(data) };
  };

  /** The memory of a Wasm instance moves when it grows: views of it are taken again. */
  const refresh = (): void => {
    for (const [i, one] of all.entries()) all[i] = { ...one, ...views(one.data) };
  };

  const begin = (copy: number): void => {
    const one = all[copy - first] as Simulated;
    mujoco.mj_resetData(one.model, one.data);
    world.start(one, random(copy));
    mujoco.mj_kinematics(one.model, one.data);
    steps[copy] = 0;
    world.observe(one, row(shared.observations, copy, width));
  };

  const point = (copy: number): void => {
    const { sites: at } = all[copy - first] as Simulated;
    const into = row(shared.points, copy, 2 * sites.length);
    for (let i = 0; i < sites.length; i++) into.set([at[3 * i] as number, at[3 * i + 2] as number], 2 * i);
  };

  const advance = (copy: number): void => {
    const one = all[copy - first] as Simulated;
    const action = row(shared.actions, copy, size).map((a) => Math.min(Math.max(a, -1), 1));
    one.before.set(one.qpos);
    one.ctrl.set(action);
    for (let i = 0; i < frameSkip; i++) mujoco.mj_step(one.model, one.data);
    // Places are those of the last substep's start until they are computed again.
    mujoco.mj_kinematics(one.model, one.data);
    const reached = row(shared.reached, copy, width);
    world.observe(one, reached);
    const reward = world.reward(one, action);
    if (![reward, ...reached].every(Number.isFinite))
      throw new Error(
        `step ${steps[copy]} of copy ${copy}: expected finite numbers, got reward ${reward}, observation ${reached.join(' ')}`,
      );
    shared.rewards[copy] = reward;
    point(copy);
    steps[copy] = (steps[copy] as number) + 1;
    const over = world.terminated(one);
    const cut = !over && steps[copy] === spec.limit;
    shared.terminated[copy] = over ? 1 : 0;
    shared.truncated[copy] = cut ? 1 : 0;
    if (over || cut) {
      episodes[copy] = (episodes[copy] as number) + 1;
      begin(copy);
    } else row(shared.observations, copy, width).set(reached);
  };

  return {
    reset: () => {
      for (let copy = first; copy < end; copy++) load(copy);
      refresh();
      for (let copy = first; copy < end; copy++) {
        episodes[copy] = 0;
        begin(copy);
        point(copy);
      }
    },
    step: () => {
      if (all[0]?.qpos.length === 0) refresh();
      for (let copy = first; copy < end; copy++) advance(copy);
    },
    dispose: () => {
      for (const { data, model } of all.splice(0)) {
        data.delete();
        model.delete();
      }
    },
  };
}

const views = ({ qpos, qvel, ctrl, mocap_pos: mocap, site_xpos: sites }: MjData) =>
  ({ qpos, qvel, ctrl, mocap, sites }) as Record<'qpos' | 'qvel' | 'ctrl' | 'mocap' | 'sites', Float64Array>;
