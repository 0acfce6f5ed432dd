import type { Random } from 'hyperloom/data';
import type { EnvironmentSpec } from 'hyperloom/rl';

/** One copy of a world: views of MuJoCo's memory, and what its episode is played with. */
export interface Copy<P extends string = string> {
  readonly physics: Readonly<Record<P, number>>;
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  /** Where bodies are that are moved by hand: three numbers each. */
  readonly mocap: Float64Array;
  /** Where sites are, in the order of the XML: three numbers each. */
  readonly sites: Float64Array;
  /** `qpos` before the step. */
  readonly before: Float64Array;
}

/** A world of MuJoCo that moves in the plane of x (to the right) and z (up). Actions are from -1 to 1. */
export interface World<P extends string = string> {
  readonly name: string;
  readonly spec: EnvironmentSpec<P> & { readonly action: { readonly kind: 'continuous' } };
  /** The names of the sites of the XML in their order: the points that pictures are drawn through. */
  readonly sites: readonly string[];
  /** Steps of MuJoCo for each action. */
  readonly frameSkip: number;
  /** Seconds of a step of MuJoCo. */
  readonly timestep: number;
  /** The model (MJCF) for this physics. Masses and inertias are MuJoCo's own reckoning of it. */
  xml(physics: Readonly<Record<P, number>>): string;
  /** Writes the state at the start of an episode, where all is zero. */
  start(copy: Copy<P>, random: Random): void;
  observe(copy: Copy<P>, into: Float32Array): void;
  /** The reward of a step, once it is taken. */
  reward(copy: Copy<P>, action: Float32Array): number;
  terminated(copy: Copy<P>): boolean;
}

/** A uniform number. */
export const between = (random: Random, low: number, high: number): number => low + (high - low) * random.uniform();

/** A model of MuJoCo without automatic resets, and with memory for a few contacts. */
export const mjcf = (options: string, body: string): string => `<mujoco>
  <size memory="200K"/>
  <option ${options}><flag autoreset="disable"/></option>
  ${body}
</mujoco>`;
