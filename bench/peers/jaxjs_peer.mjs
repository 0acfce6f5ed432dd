// The benchmark's workloads in jax-js on its Wasm device: one jitted step. Protocol: README.md.
// Every use of an array but the last takes `.ref`: its functions consume their arguments.
import { mlpShapes, readArguments, require, Skip, serve } from './protocol.mjs';

readArguments();
const [jax] = await require('@jax-js/jax');
const { numpy: np, lax, nn, tree } = jax;
const devices = await jax.init('wasm');
if (!devices.includes('wasm')) throw new Error('jax-js: expected its Wasm device, which is not here');
jax.defaultDevice('wasm');

const version = '0.1.25';
const array = ({ shape, data }) => np.array(data, { shape, dtype: data instanceof Int32Array ? np.int32 : np.float32 });
const mapValues = (object, f) => Object.fromEntries(Object.entries(object).map(([k, v]) => [k, f(v)]));

/** step(t): forward, backward and update on batch t mod length; resolves to the loss before the update. */
function training(params, batches, lossOf) {
  const [rate, beta1, beta2, eps] = [1e-3, 0.9, 0.999, 1e-8];
  const names = Object.keys(params);

  const update = jax.jit((p, m, v, c1, c2, batch) => {
    const [loss, grads] = jax.valueAndGrad((q) => lossOf(q, batch))(tree.ref(p));
    const [nextP, nextM, nextV] = [{}, {}, {}];
    for (const name of names) {
      const g = grads[name];
      const mean = m[name].mul(beta1).add(g.ref.mul(1 - beta1));
      const square = v[name].mul(beta2).add(np.square(g).mul(1 - beta2));
      nextM[name] = mean.ref;
      nextV[name] = square.ref;
      nextP[name] = p[name].sub(
        mean
          .div(c1.ref)
          .mul(rate)
          .div(np.sqrt(square.div(c2.ref)).add(eps)),
      );
    }
    c1.dispose();
    c2.dispose();
    return [nextP, nextM, nextV, loss];
  });

  let p = params;
  let m = mapValues(params, (x) => np.zeros(x.shape));
  let v = mapValues(params, (x) => np.zeros(x.shape));
  return async (t) => {
    // The two corrections are inputs, so that the step is compiled once.
    const c1 = np.array(1 - beta1 ** (t + 1));
    const c2 = np.array(1 - beta2 ** (t + 1));
    let loss;
    [p, m, v, loss] = update(p, m, v, c1, c2, tree.ref(batches[t % batches.length]));
    await jax.blockUntilReady([p, m, v]);
    const [value] = await loss.data();
    return value;
  };
}

/** Labels are one-hot [n, 10]. */
const crossEntropy = (logits, labels) => {
  const [n] = logits.shape;
  return nn
    .logSoftmax(logits, -1)
    .mul(labels)
    .sum()
    .mul(-1 / n);
};
const classBatches = (batches) => batches.map(({ x, y }) => ({ x: array(x), y: nn.oneHot(array(y), 10) }));

/** 2 x 2 without overlap, as a maximum over reshaped axes [N, C, H, W]. */
function maxPool(h) {
  const [n, c, height, width] = h.shape;
  return h.reshape([n, c, height / 2, 2, width / 2, 2]).max([3, 5]);
}

const conv = (x, kernel, bias) => lax.conv(x, kernel, [1, 1], 'SAME').add(bias.reshape([16, 1, 1]));

function mnist(params, batches) {
  const lossOf = (p, { x, y }) => {
    const first = maxPool(nn.relu(conv(x, p['conv1.weight'], p['conv1.bias'])));
    const a = np.matmul(p['head.win'], p.z).add(p['head.bin']);
    const flat = np.matmul(p['head.wout'], a.transpose()).add(p['head.bout'].reshape([784, 1]));
    const kernel = flat.reshape([16, 7, 7, 16]).transpose([0, 3, 1, 2]);
    const second = maxPool(nn.relu(conv(first, kernel, p['conv2.bias'])));
    const [n] = second.shape;
    const logits = np.matmul(second.reshape([n, 784]), p['fc.weight'].transpose()).add(p['fc.bias']);
    return crossEntropy(logits, y);
  };
  return training(mapValues(params, array), classBatches(batches), lossOf);
}

/** Codes [n, size] -> weights [n, total]. */
function denseHead(p, codes) {
  const hidden = nn.relu(np.matmul(codes, p['head.layer0.weight'].transpose()).add(p['head.layer0.bias']));
  return np.matmul(hidden, p['head.layer1.weight'].transpose()).add(p['head.layer1.bias']);
}

/** Runs the MLP whose weights are theta [..., total] on h [..., points, in]. */
function target(theta, sizes, h) {
  const shapes = mlpShapes(sizes);
  const lead = theta.shape.slice(0, -1);
  let end = 0;
  const ends = shapes.map(([out, inputs = 1]) => (end += out * inputs));
  const parts = np.split(theta, ends.slice(0, -1), -1);
  for (let i = 0; i < shapes.length; i += 2) {
    const [out] = shapes[i];
    // Not np.einsum: its parser needs the iterator helpers of Node 22.
    h = np.matmul(h, np.swapaxes(parts[i].reshape([...lead, ...shapes[i]]), -1, -2));
    h = h.add(parts[i + 1].reshape([...lead, 1, out]));
    if (i + 2 < shapes.length) h = nn.relu(h);
  }
  return h;
}

function perExample(params, batches) {
  const lossOf = (p, { codes, x, y }) => {
    const error = target(denseHead(p, codes), [1, 40, 40, 1], x).sub(y);
    return np.square(error).mean();
  };
  return training(
    mapValues(params, array),
    batches.map((batch) => mapValues(batch, array)),
    lossOf,
  );
}

function dense(params, batches) {
  const lossOf = ({ code, ...p }, { x, y }) => crossEntropy(target(denseHead(p, code), [784, 100, 100, 10], x), y);
  return training(mapValues(params, array), classBatches(batches), lossOf);
}

const unwritten = () => {
  throw new Skip('jax-js has no scan: a jitted step would be an unrolled loop');
};

const unsupported = () => {
  throw new Skip('not written for jax-js');
};

// Its Wasm threads are web workers, which Node has not: one thread.
const threads = typeof Worker === 'undefined' ? 1 : undefined;
const recurrent = { hyperLstm: unwritten, lstm: unwritten, sampling: unwritten };
await serve(
  { peer: 'jaxjs-wasm', version, threads },
  { mnist, perExample, perExampleConv: unsupported, denseHead: dense, ...recurrent },
);
