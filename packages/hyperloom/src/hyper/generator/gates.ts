import { sigmoid as sigmoidLayer } from '../../nn/index.ts';
import { sigmoid, softmax, type Tensor } from '../../tensor/index.ts';
import { secondMoment } from './moment.ts';

/** How coefficients are made of logits: each on its own in (0, 1), or all together with a sum of 1. */
export type Gate = 'sigmoid' | 'softmax';

/** Coefficients from logits [..., count]. */
export const gates: Readonly<Record<Gate, (logits: Tensor) => Tensor>> = { sigmoid, softmax: (x) => softmax(x) };

/** The mean square of one of `count` coefficients whose logits are normal with mean 0 and the given deviation. */
export const gateMoments: Readonly<Record<Gate, (count: number, std: number) => number>> = {
  sigmoid: (_, std) => secondMoment(sigmoidLayer, std),
  softmax: softmaxMoment,
};

/**
 * E[e^(2 l_1) / (sum_k e^(l_k))^2]. As 1 / S^2 is the integral of t e^(-t S) over t > 0, the expectation comes apart into
 * one-dimensional ones: the integral of t E[e^(2l - t e^l)] E[e^(-t e^l)]^(count - 1), by the trapezoid rule in log t.
 */
function softmaxMoment(count: number, std: number): number {
  const [reach, step] = [8, 0.1];
  const z = Array.from({ length: (2 * reach) / step + 1 }, (_, i) => i * step - reach);
  const density = z.map((v) => Math.exp((-v * v) / 2) * (step / Math.sqrt(2 * Math.PI)));
  const mean = (f: (odds: number) => number): number =>
    z.reduce((total, v, i) => total + density[i]! * f(Math.exp(std * v)), 0);
  const [low, high] = [-Math.log(count) - reach * (1 + std), reach * (1 + std)];
  let total = 0;
  for (let u = low; u < high; u += step) {
    const t = Math.exp(u);
    const others = mean((odds) => Math.exp(-t * odds)) ** (count - 1);
    total += step * t * t * others * mean((odds) => odds * odds * Math.exp(-t * odds));
  }
  return total;
}
