import { type DType, EngineError, type NdArray, type Shape, zerosArray } from '../../tensor/index.ts';

/** An array on its way between processes: its bytes as base64. */
interface Sent {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly bytes: string;
}

/** What the other process does. It has nothing of this library. */
const script = `
const ort = require(process.argv[1]);
const types = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint32: Uint32Array, bool: Uint8Array };
const receive = ({ dtype, shape, bytes }) => {
  const data = Uint8Array.from(Buffer.from(bytes, 'base64'));
  return new ort.Tensor(dtype, new types[dtype](data.buffer), shape);
};
const send = ({ type, dims, data }) =>
  ({ dtype: type, shape: dims, bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') });
const each = (record, f) => Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value)]));
let text = '';
process.stdin.on('data', (part) => { text += part; });
process.stdin.on('end', async () => {
  try {
    const options = { intraOpNumThreads: 1, logSeverityLevel: 4 };
    const session = await ort.InferenceSession.create(process.argv[2], options);
    const results = [];
    for (const inputs of JSON.parse(text)) results.push(each(await session.run(each(inputs, receive)), send));
    process.stdout.write(JSON.stringify({ results }));
  } catch (error) {
    process.stdout.write(JSON.stringify({ error: String(error.message) }));
  }
});
`;

/**
 * Runs an ONNX file in a process of its own that loads ONNX Runtime and nothing else: how anyone else would run it.
 * Node only.
 * @param calls for each run, arrays by the names of the inputs
 * @returns for each run, arrays by the names of the outputs
 * @throws EngineError when the runtime is not there, or refuses the file or an input
 * @example
 * const check = (path: string) => runOnnxFile(path, [{ input: ndarray([[0.5]]) }]);
 */
export async function runOnnxFile(
  path: string,
  calls: readonly Readonly<Record<string, NdArray>>[],
): Promise<Record<string, NdArray>[]> {
  const { spawn } = await import('node:child_process');
  const { createRequire } = await import('node:module');
  const runtime = createRequire(import.meta.url).resolve('onnxruntime-node');
  const child = spawn(process.execPath, ['-e', script, runtime, path], {
    env: { ORT_DISABLE_TELEMETRY: '1', ...process.env },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (part) => {
    out += part;
  });
  child.stderr.on('data', (part) => {
    err += part;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(calls.map((inputs) => each(inputs, send))));
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  const answer = parsed(out);
  if (answer.results === undefined)
    throw new EngineError(
      `ort: "${path}": ${(answer.error ?? err).trim().split('\n')[0] || 'the process ended early'}`,
    );
  return answer.results.map((outputs) => each(outputs, receive));
}

const each = <T, R>(record: Readonly<Record<string, T>>, f: (value: T) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value)]));

const send = ({ dtype, shape, data }: NdArray): Sent => ({
  dtype,
  shape,
  bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
});

function receive({ dtype, shape, bytes }: Sent): NdArray {
  const array = zerosArray(dtype, shape);
  new Uint8Array(array.data.buffer).set(Buffer.from(bytes, 'base64'));
  return array;
}

function parsed(text: string): { readonly results?: Record<string, Sent>[]; readonly error?: string } {
  try {
    return JSON.parse(text) as { results: Record<string, Sent>[] };
  } catch {
    return {};
  }
}
