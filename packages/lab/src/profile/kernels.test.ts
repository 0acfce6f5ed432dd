import { expect, test } from 'vitest';
import { grouped } from './groups.ts';
import { type Kernel, placeOf, readProfile, withoutOverhead } from './kernels.ts';

const node = (name: string, type: string, ts: number, dur: number, args: object = {}) => ({
  cat: 'Node',
  name: `${name}_kernel_time`,
  ts,
  dur,
  args: { op_name: type, ...args },
});
const run = (ts: number, dur: number) => ({ cat: 'Session', name: 'model_run', ts, dur, args: {} });
const shapes = (...all: number[][]) => all.map((float) => ({ float }));

test('a kernel is of the layer and operation in its name, and of the part that they tell', () => {
  expect(placeOf('layer0/matmul/MatMul')).toEqual({ op: 'matmul', layer: 'layer0', part: 'target' });
  expect(placeOf('grad head.out/matmul/MatMul_3')).toEqual({ op: 'matmul', layer: 'head.out', part: 'backward, head' });
  expect(placeOf('grad loss/mul/Mul')).toMatchObject({ layer: 'loss', part: 'backward, target' });
  expect(placeOf('loss/log/Log')).toMatchObject({ part: 'loss' });
  expect(placeOf('optimizer/add/Add')).toMatchObject({ part: 'optimizer' });
  expect(placeOf('fused layer1/add/Add')).toMatchObject({ op: 'add', layer: 'layer1' });
  expect(placeOf('add/Add')).toMatchObject({ op: 'add', layer: '', part: 'target' });
  expect(placeOf('MatMul_12')).toMatchObject({ op: '', part: 'other' });
});

const lines = (events: readonly object[]) => ['[', ...events.map((event) => `${JSON.stringify(event)},`), ']'];

test('times are means of the runs that count; a loop has its own time without that of its body', async () => {
  const product = {
    input_type_shape: shapes([4, 8], [8, 16]),
    output_type_shape: shapes([4, 16]),
    activation_size: '640',
    output_size: '256',
  };
  const step = (ts: number) => [
    node('layer0/matmul/MatMul', 'MatMul', ts, 100, product),
    node('cell/mul/Mul', 'Mul', ts + 120, 10, { activation_size: '8', output_size: '8' }),
    node('cell/mul/Mul', 'Mul', ts + 140, 10, { activation_size: '8', output_size: '8' }),
    node('scan/Scan', 'Scan', ts + 110, 50),
    run(ts, 200),
  ];
  const { runs, runMs, kernels } = await readProfile(lines([...step(0), ...step(1000), ...step(2000)]), { skip: 1 });
  expect([runs, runMs]).toEqual([2, [0.2, 0.2]]);
  const of = (type: string) => kernels.find((kernel) => kernel.type === type);
  expect(of('MatMul')).toMatchObject({ ms: 0.1, multiplyAdds: 4 * 8 * 16, bytes: 896 });
  expect(of('Mul')).toMatchObject({ ms: 0.02, bytes: 32 });
  expect(of('Scan')).toMatchObject({ ms: 0.03 });
  const [first] = grouped(kernels, { multiplyAdds: 512e3, bytes: 896e4 }, ({ layer }) => layer);
  expect(first).toMatchObject({ name: 'layer0', count: 1, ms: 0.1, floorMs: 1 });
});

test('multiply-adds of products with a turned factor, and of convolutions with groups', async () => {
  const turned = {
    input_type_shape: shapes([16, 32, 4], [16, 32, 8]),
    output_type_shape: shapes([16, 4, 8]),
  };
  const convolution = { input_type_shape: shapes([2, 6, 5, 5], [9, 2, 3, 3]), output_type_shape: shapes([2, 9, 5, 5]) };
  const { kernels } = await readProfile(
    lines([node('a/b/F', 'FusedMatMul', 0, 1, turned), node('a/c/C', 'Conv', 2, 1, convolution), run(0, 4)]),
    { skip: 0 },
  );
  expect(kernels.map(({ multiplyAdds }) => multiplyAdds)).toEqual([16 * 4 * 8 * 32, 2 * 9 * 25 * 18]);
});

test('what a profile adds to each run of a kernel is taken off until they fit into a call', () => {
  const kernel = (ms: number, runs: number): Kernel => ({
    ...placeOf('a/b/C'),
    name: 'a/b/C',
    type: 'C',
    runs,
    ms,
    multiplyAdds: 0,
    bytes: 0,
  });
  const all = [kernel(5, 1), kernel(2, 10), kernel(0.05, 1)];
  expect(withoutOverhead(all, 8).map(({ ms }) => ms)).toEqual([5, 2, 0.05]);
  // 0.1 for each run: the shortest is left with nothing.
  const [long, often, short] = withoutOverhead(all, 5.9);
  expect(long!.ms).toBeCloseTo(4.9, 6);
  expect(often!.ms).toBeCloseTo(1, 6);
  expect(short!.ms).toBe(0);
  // A loop gives first.
  const looped = withoutOverhead([...all, { ...kernel(3, 1), type: 'Scan' }], 8);
  expect(looped.map(({ ms }) => Number(ms.toFixed(6)))).toEqual([5, 2, 0.05, 0.95]);
});
