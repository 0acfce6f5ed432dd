import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Aval,
  add,
  gather,
  matmul,
  mul,
  named,
  ndarray,
  type Program,
  scatterAdd,
  type Tensor,
  trace,
  zerosArray,
} from '../../tensor/index.ts';
import { nodeRuntime, ortEngine } from './index.ts';
import { blockSize } from './probe.ts';

const engine = ortEngine();
afterAll(() => engine.dispose());

const vector: Aval = { dtype: 'float32', shape: [2] };
const doubling: Program = trace((x: Tensor) => ({ y: mul(x, 2) }), vector).program;

describe('ortEngine', () => {
  test('gives fresh arrays, or writes the ones it is given in place', async () => {
    const run = await engine.compile(doubling);
    const [fresh] = await run.run([ndarray([1, 2])]);
    expect(fresh).toEqual(ndarray([2, 4]));
    const into = zerosArray('float32', [2]);
    const memory = into.data;
    for (const k of [1, 2]) {
      const [written] = await run.run([ndarray([k, 2 * k])], [into]);
      expect(written).toBe(into);
      expect(into.data).toBe(memory);
      expect(Array.from(memory)).toEqual([2 * k, 4 * k]);
    }
    await run.dispose();
  });

  test('blocks that the processor does not have are refused, since they would give other numbers', async () => {
    const own = await blockSize(await nodeRuntime());
    const other = own === 8 ? 16 : 8;
    await expect(ortEngine({ block: other }).compile(doubling)).rejects.toThrow(
      `ort: expected a block of ${own}, as this processor has, or 0, got ${other}`,
    );
    for (const block of [0, own] as const) {
      const narrow = ortEngine({ block, threads: 1, spinning: false });
      const [y] = await (await narrow.compile(doubling)).run([ndarray([1, 2])]);
      expect(y).toEqual(ndarray([2, 4]));
      await narrow.dispose();
    }
  });

  test('reads arrays as they are when they change between runs', async () => {
    const run = await engine.compile(doubling);
    const x = ndarray([1, 2]);
    await run.run([x]);
    x.data[0] = 5;
    const [y] = await run.run([x]);
    expect(Array.from(y!.data)).toEqual([10, 4]);
    await run.dispose();
  });

  test('state goes back and forth between two sets of arrays', async () => {
    const run = await engine.compile(trace((x: Tensor) => add(x, 1), vector).program);
    let [from, to] = [ndarray([0, 10]), zerosArray('float32', [2])];
    for (let i = 0; i < 5; i++) {
      await run.run([from], [to]);
      [from, to] = [to, from];
    }
    expect(Array.from(from.data)).toEqual([5, 15]);
    await run.dispose();
  });

  test('programs that give the same model share a session, which the last one releases', async () => {
    const before = engine.sessions;
    const first = await engine.compile(doubling);
    const second = await engine.compile(trace((x: Tensor) => ({ y: mul(x, 2) }), vector).program);
    expect(engine.sessions).toBe(before + 1);
    await first.dispose();
    await first.dispose();
    const [y] = await second.run([ndarray([3, 4])]);
    expect(Array.from(y!.data)).toEqual([6, 8]);
    await second.dispose();
    expect(engine.sessions).toBe(before);
  });

  test('outputs that are inputs, constants or each other', async () => {
    const program = trace(
      (x: Tensor) => {
        const y = mul(x, 3);
        return [x, y, y, add(matmul(new Array(1).fill(x)[0], x), 0)];
      },
      { dtype: 'float32', shape: [1, 1] },
    ).program;
    const run = await engine.compile(program);
    const results = await run.run([ndarray([[2]])]);
    expect(results.map(({ data }) => data[0])).toEqual([2, 6, 6, 4]);
    await run.dispose();
  });

  test('adds up equal indices, however many threads there are', async () => {
    const count = 100_000;
    const avals: Aval[] = [
      { dtype: 'float32', shape: [3, 2] },
      { dtype: 'int32', shape: [count] },
      { dtype: 'float32', shape: [count, 2] },
    ];
    const run = await engine.compile(trace((...xs: Tensor[]) => scatterAdd(xs[0]!, xs[1]!, xs[2]!), ...avals).program);
    const indices = ndarray(
      Int32Array.from({ length: count }, (_, i) => i % 2),
      [count],
    );
    const ones = ndarray(new Float32Array(2 * count).fill(1), [count, 2]);
    const [y] = await run.run([zerosArray('float32', [3, 2]), indices, ones]);
    expect(Array.from(y!.data)).toEqual([count / 2, count / 2, count / 2, count / 2, 0, 0]);
    await run.dispose();
  });

  test('says what does not fit', async () => {
    const run = await engine.compile(doubling);
    await expect(run.run([ndarray([1, 2, 3])])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: run: expected [2] for input arg0, got [3]]`,
    );
    await expect(run.run([ndarray([1, 2], [2], 'int32')])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: run: expected float32 for input arg0, got int32]`,
    );
    await expect(run.run([ndarray([1, 2])], [zerosArray('float32', [3])])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: run: expected [2] for output y, got [3]]`,
    );
    await run.dispose();
    await expect(run.run([ndarray([1, 2])])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[EngineError: ort: expected a program in use, got one that was disposed]`,
    );
    const double = trace((x: Tensor) => named('fc', () => mul(x, x)), { dtype: 'float64', shape: [] }).program;
    await expect(engine.compile(double)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: onnx: expected float32, int32, uint32 or bool in the inputs, got float64; the reference engine runs it]`,
    );
  });

  test('says in which layer a run failed', async () => {
    const program = trace((x: Tensor, i: Tensor) => named('embed', () => gather(x, i)), vector, {
      dtype: 'int32',
      shape: [1],
    }).program;
    const run = await engine.compile(program);
    await expect(run.run([ndarray([1, 2]), ndarray([7], [1], 'int32')])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[EngineError: ort: run: embed/gather/Gather: indices element out of data bounds, idx=7 must be within the inclusive range [-2,1]]`,
    );
    await run.dispose();
  });

  test('refuses to work after it was disposed', async () => {
    const other = ortEngine({ threads: 1 });
    const run = await other.compile(doubling);
    await other.dispose();
    expect(other.sessions).toBe(0);
    await expect(run.run([ndarray([1, 2])])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[EngineError: ort: expected a program in use, got one that was disposed]`,
    );
    await expect(other.compile(doubling)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[EngineError: ort: expected an engine in use, got one that was disposed]`,
    );
  });
});

test('nothing is reported about the user: telemetry is off before the runtime loads, and no file is written', async () => {
  const home = mkdtempSync(join(tmpdir(), 'hyperloom-home-'));
  try {
    const child = fileURLToPath(new URL('./telemetry.suite.ts', import.meta.url));
    const env = { PATH: process.env.PATH, HOME: home, XDG_CACHE_HOME: join(home, 'cache'), XDG_CONFIG_HOME: home };
    const loader = fileURLToPath(import.meta.resolve('tsx'));
    const flags = ['--conditions=source', '--import', loader, child];
    const { stdout } = await promisify(execFile)(process.execPath, flags, { env, cwd: home });
    expect(JSON.parse(stdout)).toEqual({ variable: '1', loadedBefore: false, loadedAfter: true, result: [2, 4] });
    expect(readdirSync(home, { recursive: true })).toEqual([]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
