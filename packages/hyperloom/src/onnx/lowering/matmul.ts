import type { Value } from '../value.ts';
import type { Lowerings } from './lowering.ts';

/** Whether a value that is already turned is on hand, or turning can be left to the product. */
const factor = (x: Value, fused: boolean): { name: string; turned: number } =>
  x.matrixOf === undefined || !fused ? { name: x.name(), turned: 0 } : { name: x.matrixOf.name(), turned: 1 };

/** Matrix products. Transposes of the factors are left to the product. */
export const matmul = {
  matmul: ({ b, inputs: [x, y], target: { standard = false } }) => {
    const flat = x!.shape.length === 2 && y!.shape.length === 2;
    const fused = flat || !standard;
    const left = factor(x!, fused);
    const right = factor(y!, fused);
    if (left.turned === 0 && right.turned === 0) return b.node('MatMul', [left.name, right.name]);
    if (flat) return b.node('Gemm', [left.name, right.name], { transA: left.turned, transB: right.turned });
    const domain = 'com.microsoft';
    return b.node('FusedMatMul', [left.name, right.name], { transA: left.turned, transB: right.turned }, { domain });
  },
} satisfies Partial<Lowerings>;
