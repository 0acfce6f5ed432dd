import { ortEngine } from 'hyperloom/engine/ort';
import { expect, test } from 'vitest';
import { cartPoleSteps, seededInputs } from '../peers/inputs.ts';
import { startRolling } from './rolling.ts';

/** The share of steps that end an episode, copy by copy in plain numbers, with the equations of Gymnasium's CartPole-v1. */
function shares(copies: number, calls: number): number[] {
  const { 'data.push': push, 'data.start': start } = seededInputs('cartPole', copies);
  const states = Array.from({ length: copies }, () => [0, 0, 0, 0] as [number, number, number, number]);
  return Array.from({ length: calls }, (_, call) => {
    let ended = 0;
    states.forEach((state, copy) => {
      const row = (call % 2) * copies + copy;
      for (let i = 0; i < cartPoleSteps; i++) {
        const [x, v, angle, spin] = state;
        const force = push!.data[row * cartPoleSteps + i] ? 10 : -10;
        const share = (force + 0.05 * spin ** 2 * Math.sin(angle)) / 1.1;
        const turn =
          (9.8 * Math.sin(angle) - Math.cos(angle) * share) / (0.5 * (4 / 3 - (0.1 * Math.cos(angle) ** 2) / 1.1));
        const pull = share - (0.05 * turn * Math.cos(angle)) / 1.1;
        state.splice(0, 4, x + 0.02 * v, v + 0.02 * pull, angle + 0.02 * spin, spin + 0.02 * turn);
        if (Math.abs(state[0]) <= 2.4 && Math.abs(state[2]) <= Math.PI / 15) continue;
        ended++;
        state.splice(0, 4, ...start!.data.slice(4 * row, 4 * row + 4));
      }
    });
    return ended / (copies * cartPoleSteps);
  });
}

test('cart-poles fall and start anew as one by one, from call to call', async () => {
  const engine = ortEngine({ threads: 1, spinning: false });
  const [copies, calls] = [16, 3];
  const rolling = await startRolling(engine, copies, seededInputs('cartPole', copies));
  const expected = shares(copies, calls);
  for (const share of expected) expect(await rolling.step()).toBeCloseTo(share, 6);
  expect(new Set(expected).size).toBe(calls);
  await rolling.dispose();
  await engine.dispose();
});
