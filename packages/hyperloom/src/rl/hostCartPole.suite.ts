import { randomAt } from '../data/index.ts';
import { type CartPolePhysics, cartPole } from './environments/index.ts';
import { checkActions, type HostEnvironment, type HostOutcome, physicsRows } from './host.ts';

/** Cart-pole in plain TypeScript, float64: the interface without an engine or a thread. */
export function hostCartPole(copies: number, limit = cartPole().spec.limit): HostEnvironment<CartPolePhysics> {
  const { name, spec } = cartPole();
  const [tau, steepest, farthest] = [0.02, (12 * 2 * Math.PI) / 360, 2.4];
  let [seed, iteration] = [0, 0];
  let physics = physicsRows({ name, spec }, copies);
  const [episodes, steps] = [new Uint32Array(copies), new Uint32Array(copies)];
  const states: number[][] = [];
  const outcome: HostOutcome = {
    observations: new Float32Array(copies * 4),
    reached: new Float32Array(copies * 4),
    rewards: new Float32Array(copies),
    terminated: new Uint8Array(copies),
    truncated: new Uint8Array(copies),
  };
  const begin = (copy: number) => {
    const random = randomAt(seed, iteration, copy, episodes[copy] as number);
    states[copy] = [0, 0, 0, 0].map(() => 0.1 * random.uniform() - 0.05);
    steps[copy] = 0;
    outcome.observations.set(states[copy], 4 * copy);
  };
  const advance = (copy: number, action: number) => {
    const [x = 0, v = 0, angle = 0, spin = 0] = states[copy] as number[];
    const { gravity, cartMass, poleMass, halfLength, force } = Object.fromEntries(
      Object.entries(physics).map(([key, row]) => [key, row[copy] as number]),
    ) as Record<CartPolePhysics, number>;
    const [c, s, total] = [Math.cos(angle), Math.sin(angle), cartMass + poleMass];
    const share = ((action === 1 ? force : -force) + poleMass * halfLength * spin ** 2 * s) / total;
    const turn = (gravity * s - c * share) / (halfLength * (4 / 3 - (poleMass * c ** 2) / total));
    const pull = share - (poleMass * halfLength * turn * c) / total;
    const next = [x + tau * v, v + tau * pull, angle + tau * spin, spin + tau * turn];
    states[copy] = next;
    steps[copy] = (steps[copy] as number) + 1;
    outcome.reached.set(next, 4 * copy);
    outcome.observations.set(next, 4 * copy);
    outcome.rewards[copy] = 1;
    const over = Math.abs(next[0] as number) > farthest || Math.abs(next[2] as number) > steepest;
    const cut = !over && steps[copy] === limit;
    outcome.terminated[copy] = over ? 1 : 0;
    outcome.truncated[copy] = cut ? 1 : 0;
    if (!over && !cut) return;
    episodes[copy] = (episodes[copy] as number) + 1;
    begin(copy);
  };
  return {
    name,
    spec,
    copies,
    reset: async (start) => {
      [seed, iteration] = [start.seed, start.iteration];
      physics = physicsRows({ name, spec }, copies, start.physics);
      episodes.fill(0);
      for (let copy = 0; copy < copies; copy++) begin(copy);
      return outcome.observations;
    },
    step: async (actions) => {
      checkActions({ name, spec }, copies, actions);
      for (let copy = 0; copy < copies; copy++) advance(copy, actions[copy] as number);
      return outcome;
    },
    close: async () => {},
  };
}
