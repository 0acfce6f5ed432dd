/**
 * Losses of PyTorch from the seeded weights and data, before the first step and after 20:
 *
 *     npm run bench -- --only mnist,perExample,denseHead --peers torch --short --json losses.json
 */
export const expectedLosses: Readonly<Record<string, readonly [first: number, after20: number]>> = {};
