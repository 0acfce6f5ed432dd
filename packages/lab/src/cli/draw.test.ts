import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hyperloom, jsonLines } from './testing.ts';

let root = '';
let run = '';
let other = '';
const brief = ['--seeds', '1', '--set', 'control=false', '--threads', '1', '--json'];
const tiny = ['icons=6', 'heldOut=2', 'size=16', 'code=8', 'width=16'].flatMap((pair) => ['--set', pair]);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'draw-'));
  [run, other] = [join(root, 'run'), join(root, 'other')];
  const trained = await hyperloom(['train', 'inr', ...brief, ...tiny, '--steps', '150', '--out', run]);
  expect(trained.code).toBe(0);
  const plain = await hyperloom(['train', 'pareto-toy', ...brief, '--steps', '1', '--out', other]);
  expect(plain.code).toBe(0);
}, 60_000);
afterAll(() => rm(root, { recursive: true }));

async function drawn(...args: string[]): Promise<PNG> {
  const out = join(root, 'picture.png');
  const { code, err } = await hyperloom(['draw', run, '--threads', '1', '--out', out, ...args]);
  expect([code, err]).toEqual([0, '']);
  return PNG.sync.read(await readFile(out));
}

/** The mean difference of two pictures of one size, from 0 to 255. */
const distance = (a: PNG, b: PNG): number =>
  a.data.reduce((sum, value, i) => sum + Math.abs(value - b.data[i]!), 0) / a.data.length;

async function names(): Promise<string[]> {
  const { err } = await hyperloom(['draw', run, '--threads', '1', '--code', 'nobody', '--out', join(root, 'none.png')]);
  return /expected (.*) for/.exec(err)![1]!.split(', ');
}

describe('hyperloom draw', () => {
  test('draws the icon of a name at any size, a line of pixels at a time where it is large', async () => {
    const [first, second] = await names();
    const small = await drawn('--code', first!, '--size', '16');
    expect([small.width, small.height]).toEqual([16, 16]);
    expect(distance(small, await drawn('--size', '16'))).toBe(0);
    expect(distance(small, await drawn('--code', second!, '--size', '16'))).toBeGreaterThan(5);
    // By default 4 times the size of training.
    const large = await drawn('--code', first!);
    expect(large.width).toBe(64);
    // Five strips: centres of every third pixel are those of the small picture.
    const huge = await drawn('--code', first!, '--size', String(16 * 33));
    const middle = (i: number) => 33 * i + 16;
    for (const [x, y] of [
      [0, 0],
      [7, 3],
      [15, 15],
    ] as const)
      for (let c = 0; c < 3; c++) {
        const exact = huge.data[4 * (middle(y) * huge.width + middle(x)) + c]!;
        expect(Math.abs(exact - small.data[4 * (16 * y + x) + c]!)).toBeLessThanOrEqual(1);
      }
  }, 30_000);

  test('draws what lies between two icons', async () => {
    const [first, second] = await names();
    const between = (share: string) => drawn('--between', `${first},${second}`, '--share', share, '--size', '16');
    expect(distance(await between('0'), await drawn('--code', first!, '--size', '16'))).toBe(0);
    expect(distance(await between('1'), await drawn('--code', second!, '--size', '16'))).toBeLessThan(0.01);
    expect(distance(await between('0.5'), await between('0'))).toBeGreaterThan(1);
  }, 30_000);

  test('says as JSON what it wrote', async () => {
    const out = join(root, 'said.png');
    const { out: said } = await hyperloom(['draw', run, '--threads', '1', '--size', '8', '--out', out, '--json']);
    expect(jsonLines(said)).toEqual([{ event: 'done', out, size: 8 }]);
  });

  test('what does not fit is refused on one line', async () => {
    const refused = async (from: string, ...args: string[]) => {
      const { code, out, err } = await hyperloom([
        'draw',
        from,
        '--threads',
        '1',
        '--out',
        join(root, 'no.png'),
        ...args,
      ]);
      expect([code, out]).toEqual([2, '']);
      return err.replaceAll(root, '');
    };
    expect([
      await refused(run, '--code', 'nobody'),
      await refused(run, '--between', 'hash'),
      await refused(run, '--share', '0.5'),
      await refused(run, '--between', 'hash,nobody', '--code', 'hash'),
      await refused(run, '--size', '10000'),
      await refused(other),
    ]).toMatchInlineSnapshot(`
      [
        "hyperloom: --code: expected flag-gi, tulip, blue_heart, japan, hugging_face, orthodox_cross, boar, health_worker for the hypernetwork, got "nobody"
      ",
        "hyperloom: --between: expected two of flag-gi, tulip, blue_heart, japan, hugging_face, orthodox_cross, boar, health_worker for the hypernetwork, got "hash"
      ",
        "hyperloom: --share: expected --between beside it, got 0.5 alone
      ",
        "hyperloom: --between: expected no --code beside it, got one
      ",
        "hyperloom: --size: expected at most 8192, got 10000
      ",
        "hyperloom: expected a run of a model that draws, such as inr, got /other, a run of pareto-toy
      ",
      ]
    `);
  }, 30_000);
});
