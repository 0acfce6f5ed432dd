import { describe, expect, test } from 'vitest';
import { manyMlps } from './manyMlps.ts';
import { givenPoints, halfRange, heldOutPoints, noise, userAt, userValue } from './tasks/users.ts';
import { figuresOf } from './testing.ts';

describe('many-mlps', () => {
  test('in short: one hypernetwork serves users old and new better than one network does, and no old weight moves', async () => {
    const { main, concatenation, separate, shared } = await figuresOf(manyMlps, {
      steps: 500,
      settings: { users: 300, newUsers: 20 },
    });
    expect(shared!.mse).toBeGreaterThan(1);
    expect(main!.mse).toBeLessThan(0.3);
    expect(main!['newUser.mse']).toBeLessThan(0.35);
    expect(main!['oldUsers.changed']).toBe(0);
    expect(main!['newUser.parameters']).toBe(8);
    expect(concatenation!['oldUsers.changed']).toBe(0);
    expect(separate!.mse).toBeLessThan(0.3);
  }, 120_000);

  test('a user is a function of seed and number; points are noisy where given and true where held out', () => {
    const [few, many] = [givenPoints(3, [7], 20), givenPoints(3, [5, 7], 20)];
    expect(many.target.data.slice(20)).toEqual(few.target.data);
    expect([...many.input.code.data]).toEqual([5, 7]);
    const users = Array.from({ length: 100 }, (_, i) => i);
    const misses = ({ input, target }: ReturnType<typeof givenPoints>) =>
      Array.from(target.data, (y, i) => y - userValue(userAt(3, Math.floor(i / 20)), halfRange * input.input.data[i]!));
    const given = misses(givenPoints(3, users, 20));
    const spread = Math.sqrt(given.reduce((sum, miss) => sum + miss ** 2, 0) / given.length);
    expect(spread / noise).toBeGreaterThan(0.95);
    expect(spread / noise).toBeLessThan(1.05);
    const held = heldOutPoints(3, users, 20);
    expect(Math.max(...misses(held).map(Math.abs))).toBeLessThan(1e-5);
    expect(held.input.input.data[0]).not.toBe(givenPoints(3, users, 20).input.input.data[0]);
  });
});
