import { existsSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { InferenceSession, Tensor } from 'onnxruntime-node';

// A policy that Hyperloom trained, driven by ONNX Runtime alone:
//   npx hyperloom train cartpole --out runs/cartpole
//   npx hyperloom export runs/cartpole --out cartpole.onnx
//   npx tsx examples/policy.ts cartpole.onnx
const [, , path = 'cartpole.onnx'] = argv;
if (!existsSync(path)) {
  console.error(`policy: expected a policy that was exported, got no file ${path}`);
  exit(1);
}
const policy = await InferenceSession.create(path);
const [input, output] = [policy.inputNames[0]!, policy.outputNames[0]!];

/** The action that the policy finds likelier: 0 pushes to the left, 1 to the right. */
async function act(state: readonly number[]): Promise<number> {
  const seen = new Tensor('float32', Float32Array.from(state), [1, 4]);
  const logits = (await policy.run({ [input]: seen }))[output]!.data as Float32Array;
  return logits[1]! > logits[0]! ? 1 : 0;
}

/** A pole of 0.1 kg and 1 m on a cart of 1 kg, 0.02 s later: position, speed, angle from upright, spin. */
function move([x, v, angle, spin]: readonly [number, number, number, number], action: number) {
  const push = (action === 1 ? 10 : -10) + 0.05 * spin ** 2 * Math.sin(angle);
  const turn =
    (9.8 * Math.sin(angle) - (Math.cos(angle) * push) / 1.1) / (0.5 * (4 / 3 - (0.1 * Math.cos(angle) ** 2) / 1.1));
  const pull = (push - 0.05 * turn * Math.cos(angle)) / 1.1;
  return [x + 0.02 * v, v + 0.02 * pull, angle + 0.02 * spin, spin + 0.02 * turn] as const;
}

let state = [0.03, -0.02, 0.04, 0.01] as readonly [number, number, number, number];
let steps = 0;
for (; steps < 500 && Math.abs(state[0]) < 2.4 && Math.abs(state[2]) < 0.2095; steps++)
  state = move(state, await act(state));
console.log(`held the pole up for ${steps} of 500 steps`);
