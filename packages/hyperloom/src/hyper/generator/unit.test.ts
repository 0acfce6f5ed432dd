import { expect, test } from 'vitest';
import * as nn from '../../nn/index.ts';
import { hyperfanIn } from '../init.ts';
import { secondMoment } from './moment.ts';
import { factorOf, signsOf, unitModel } from './unit.ts';

test('signs are even, differ by path and do not repeat', () => {
  const n = 10_000;
  const [a, b] = [signsOf('layer0.weight', n), signsOf('layer1.weight', n)];
  const mean = (f: (i: number) => number) => Array.from({ length: n }, (_, i) => f(i)).reduce((s, v) => s + v, 0) / n;
  expect(signsOf('layer0.weight', n)).toEqual(a);
  // Four standard deviations of a mean of n signs.
  for (const lag of [1, 2, 32, 64, 100])
    expect(Math.abs(mean((i) => a[i]! * a[(i + lag) % n]!)), `lag ${lag}`).toBeLessThan(0.04);
  expect(Math.abs(mean((i) => a[i]!))).toBeLessThan(0.04);
  expect(Math.abs(mean((i) => a[i]! * b[i]!))).toBeLessThan(0.04);
});

test('a factor is the own standard deviation, and never 0', () => {
  const kernel = nn.weight({ shape: [8, 4], init: nn.init.kaimingNormal() });
  const bias = nn.weight({ shape: [4], fanIn: 400, role: 'bias', init: nn.init.zeros });
  const scale = nn.weight({ shape: [4], fanIn: 1, role: 'scale', init: nn.init.ones });
  const model = unitModel({ kernel, bias });
  expect(factorOf(kernel, model, hyperfanIn())).toBeCloseTo(0.5, 12);
  expect(factorOf(bias, model, hyperfanIn())).toBeCloseTo(0.05, 12);
  expect(factorOf(scale, model, hyperfanIn())).toBeCloseTo(0.1, 12);
  expect(factorOf(bias, unitModel({ bias }), hyperfanIn())).toBeCloseTo(0.05, 12);
  // Half of the variance to biases, of which c / 2 is 1; the model is a kernel and has the other half of its own.
  const biases = hyperfanIn({ biases: true });
  expect(factorOf(bias, model, biases) ** 2 * 0.5).toBeCloseTo(1, 12);
  expect(factorOf(kernel, model, biases)).toBeCloseTo(0.5, 12);
});

test('the mean square after an activation', () => {
  expect(secondMoment(nn.relu, Math.SQRT2)).toBeCloseTo(1, 4);
  expect(secondMoment(nn.identity, 3)).toBeCloseTo(9, 6);
  // No closed form: 0.3942945 by a sum of 200,001 places.
  expect(secondMoment(nn.tanh, 1)).toBeCloseTo(0.394294, 5);
});
