import * as nn from 'hyperloom/nn';
import { add, mul } from 'hyperloom/tensor';

/** A scale and a shift for each of some units, which change nothing at first: [units] to the same. */
const modulation = (units: number) =>
  nn.defineModule({
    name: 'modulation',
    spec: {
      scale: nn.weight({ shape: [units], fanIn: 1, fanOut: 1, role: 'scale', init: nn.init.ones }),
      shift: nn.weight({ shape: [units], fanIn: 1, fanOut: 1, role: 'shift', init: nn.init.zeros }),
    },
    apply: ({ scale, shift }, x) => add(mul(x, scale), shift),
  });

/** Which weights of {@link filmTarget} a code generates. */
export const modulated = ['**.scale', '**.shift'];

/**
 * A network of two hidden tanh layers with a scale and a shift for each unit. Where a code generates these alone it is
 * FiLM (Perez et al. 2018): as many numbers as twice the units, in place of all weights.
 */
export const filmTarget = (inputs: number, width: number, out: number) =>
  nn.sequential({
    in: nn.linear({ in: inputs, out: width, init: nn.init.kaimingNormal({ gain: nn.tanh.gain }) }),
    first: modulation(width),
    tanh1: nn.tanh,
    middle: nn.linear({ in: width, out: width, init: nn.init.kaimingNormal({ gain: nn.tanh.gain }) }),
    second: modulation(width),
    tanh2: nn.tanh,
    out: nn.linear({ in: width, out, init: nn.init.normal({ std: 0.01 }) }),
  });
