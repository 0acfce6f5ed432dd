// The benchmark's workloads in TensorFlow.js: --backend cpu or wasm. Protocol: README.md.
// Images are [N, H, W, C] and filters [H, W, in, out], the only layout of its convolutions.
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import { mlpShapes, readArguments, require, Skip, serve } from './protocol.mjs';

const { threads, backend } = readArguments({ backend: { type: 'string', default: 'wasm' } });
const [tf, wasm] = await require('@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm');
if (backend === 'wasm') {
  const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(dirname(entry) + sep);
  wasm.setThreadsCount(threads);
}
await tf.setBackend(backend);
await tf.ready();

const tensor = ({ shape, data }) => tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32');
const mapValues = (object, f) => Object.fromEntries(Object.entries(object).map(([k, v]) => [k, f(v)]));

/** step(t): forward, backward and update on batch t mod length; resolves to the loss before the update. */
function training(params, batches, lossOf) {
  const variables = mapValues(params, (p) => tf.variable(p));
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const run = async (t) => {
    const batch = batches[t % batches.length];
    const loss = tf.tidy(() => optimizer.minimize(() => lossOf(variables, batch), true, Object.values(variables)));
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
  try {
    tf.tidy(() => tf.variableGrads(() => lossOf(variables, batches[0]), Object.values(variables)));
  } catch (error) {
    const lacks = /Kernel '(\w+)' not registered/.exec(String(error));
    throw lacks ? new Skip(`TF.js ${backend} has no ${lacks[1]}, which a gradient needs`) : error;
  }
  return run;
}

const crossEntropy = (logits, labels) => tf.losses.softmaxCrossEntropy(labels, logits);
const classBatches = (batches, shape) =>
  batches.map(({ x, y }) => ({ x: tensor({ ...x, shape: shape(x.shape) }), y: tf.oneHot(tensor(y), 10).toFloat() }));

function mnist(raw, batches) {
  const params = mapValues(raw, tensor);
  params['conv1.weight'] = params['conv1.weight'].transpose([2, 3, 1, 0]);
  // Flattened features are (channel, row, column) in the file and (row, column, channel) here.
  params['fc.weight'] = params['fc.weight'].reshape([10, 16, 7, 7]).transpose([2, 3, 1, 0]).reshape([784, 10]);
  const lossOf = (p, { x, y }) => {
    let h = tf.conv2d(x, p['conv1.weight'], 1, 'same').add(p['conv1.bias']).relu().maxPool(2, 2, 'valid');
    const a = p['head.win']
      .reshape([64, 4])
      .matMul(p.z.reshape([4, 1]))
      .reshape([16, 4])
      .add(p['head.bin']);
    const kernel = tf.matMul(p['head.wout'], a, false, true).add(p['head.bout'].reshape([784, 1]));
    const filter = kernel.reshape([16, 7, 7, 16]).transpose([1, 2, 3, 0]);
    h = tf.conv2d(h, filter, 1, 'same').add(p['conv2.bias']).relu().maxPool(2, 2, 'valid');
    return crossEntropy(h.reshape([-1, 784]).matMul(p['fc.weight']).add(p['fc.bias']), y);
  };
  return training(
    params,
    classBatches(batches, ([n]) => [n, 28, 28, 1]),
    lossOf,
  );
}

/** Codes [n, size] -> weights [n, total]. */
function denseHead(p, codes) {
  const hidden = tf.matMul(codes, p['head.layer0.weight'], false, true).add(p['head.layer0.bias']).relu();
  return tf.matMul(hidden, p['head.layer1.weight'], false, true).add(p['head.layer1.bias']);
}

/** Runs the MLP whose weights are the rows of theta [n, total] on h [n, points, in], or on [points, in] when n is 1. */
function target(theta, sizes, h) {
  const shapes = mlpShapes(sizes);
  const parts = tf.split(
    theta,
    shapes.map(([out, inputs = 1]) => out * inputs),
    1,
  );
  const lead = h.rank === 3 ? [theta.shape[0]] : [];
  for (let i = 0; i < shapes.length; i += 2) {
    const [out] = shapes[i];
    const bias = parts[i + 1].reshape([...lead, 1, out]);
    h = tf.matMul(h, parts[i].reshape([...lead, ...shapes[i]]), false, true).add(bias);
    if (i + 2 < shapes.length) h = h.relu();
  }
  return h;
}

function perExample(params, batches) {
  const lossOf = (p, { codes, x, y }) => target(denseHead(p, codes), [1, 40, 40, 1], x).squaredDifference(y).mean();
  return training(
    mapValues(params, tensor),
    batches.map((batch) => mapValues(batch, tensor)),
    lossOf,
  );
}

function dense(params, batches) {
  const lossOf = (p, { x, y }) => crossEntropy(target(denseHead(p, p.code.reshape([1, 8])), [784, 100, 100, 10], x), y);
  return training(
    mapValues(params, tensor),
    classBatches(batches, (shape) => shape),
    lossOf,
  );
}

/** An eager loop over 100 steps; one-hot symbols times the matrix, since the gradient of a lookup is not everywhere. */
function lstm(raw, batches) {
  const [units, symbols] = [256, 64];
  const byTime = (labels) => tf.oneHot(tensor(labels).transpose(), symbols).toFloat();
  const data = batches.map(({ x, y }) => ({ x: byTime(x), y: byTime(y).reshape([-1, symbols]) }));
  const lossOf = (p, { x, y }) => {
    const [steps, batch] = x.shape;
    const projected = tf.matMul(x.reshape([-1, symbols]), p.input).add(p.bias);
    let [h, c] = [tf.zeros([batch, units]), tf.zeros([batch, units])];
    const outputs = tf.split(projected, steps).map((own) => {
      const [i, f, o, g] = tf.split(own.add(tf.matMul(h, p.hidden)), 4, 1);
      c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
      h = o.sigmoid().mul(c.tanh());
      return h;
    });
    return crossEntropy(tf.matMul(tf.concat(outputs), p['out.weight']).add(p['out.bias']), y);
  };
  return training(mapValues(raw, tensor), data, lossOf);
}

const unwritten = () => {
  throw new Skip('TF.js has no scan: every operation of every step is a call of its own');
};

const noKernelGradient = () => {
  throw new Skip('TF.js has no convolution with a kernel for each example');
};

const hello = {
  peer: `tfjs-${backend}`,
  version: tf.version.tfjs,
  threads: backend === 'wasm' ? wasm.getThreadsCount() : 1,
};
const recurrent = { lstm, hyperLstm: unwritten, sampling: unwritten };
await serve(hello, { mnist, perExample, perExampleConv: noKernelGradient, denseHead: dense, ...recurrent });
