import { data, heads, hypernetwork, ndarray, nn, optim, train } from 'hyperloom';

// y = a x + b with a and b given as a code: a network for each (a, b) is generated.
const count = 6400;
const code = ndarray(
  Float32Array.from({ length: 2 * count }, () => Math.random() * 2 - 1),
  [count, 2],
);
const x = ndarray(
  Float32Array.from({ length: count }, () => Math.random() * 2 - 1),
  [count, 1],
);
const y = ndarray(x.data.map((v, i) => code.data[2 * i]! * v + code.data[2 * i + 1]!) as Float32Array, [count, 1]);

const target = nn.mlp({ in: 1, hidden: [16], out: 1 });
const model = hypernetwork(target, { code: 2, head: heads.dense({ hidden: [32] }) });
const examples = data.batches({ input: { code, input: x }, target: y }, { size: 64 });
const run = await train(model, { data: examples, loss: nn.losses.mse, optimizer: optim.adam(3e-3), steps: 2000 });
console.log(await run.apply({ code: [0.5, -0.25], input: [1] })); // close to 0.25
console.log(await run.generate([0.5, -0.25])); // the whole network for that code
