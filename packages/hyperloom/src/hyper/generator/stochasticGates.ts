import {
  add,
  cast,
  clip,
  greater,
  log,
  log1p,
  mul,
  neg,
  sigmoid,
  stopGradient,
  sub,
  type Tensor,
} from '../../tensor/index.ts';

/** Hard concrete (Louizos et al. 2018), or Gumbel with two classes, straight through (Jang et al. 2017). */
export type StochasticGate = 'hardConcrete' | 'gumbel';

/** What a kind of gate may be set to. */
export interface GateForm {
  readonly temperature: number;
  readonly stretch: readonly [number, number];
}

/** How gates come of logits: their value, given noise in training, and how likely each is to be open. */
export interface GateKind {
  readonly temperature: number;
  /** @param noise logistic noise, as many as logits; none for what is run without chance */
  value(logits: Tensor, noise: Tensor | undefined, form: GateForm): Tensor;
  /** What is added to logits before a sigmoid makes them the probability of being open. */
  shift(form: GateForm): number;
}

/** The kinds by name. */
export const stochasticGates: Readonly<Record<StochasticGate, GateKind>> = {
  hardConcrete: {
    temperature: 2 / 3,
    value: (logits, noise, { temperature, stretch: [low, high] }) => {
      const concrete = sigmoid(noise ? mul(add(logits, noise), 1 / temperature) : logits);
      return clip(add(mul(concrete, high - low), low), 0, 1);
    },
    shift: ({ temperature, stretch: [low, high] }) => -temperature * Math.log(-low / high),
  },
  gumbel: {
    temperature: 1,
    value: (logits, noise, { temperature }) => {
      const noisy = noise ? add(logits, noise) : logits;
      const soft = sigmoid(mul(noisy, 1 / temperature));
      // Exactly 0 or 1: 1 - soft is exact where soft is at least a half.
      return add(stopGradient(sub(cast(greater(soft, 0.5), 'float32'), soft)), soft);
    },
    shift: () => 0,
  },
};

/** log u - log(1 - u) for uniform u in [0, 1), of which 0 stands for half of the smallest number above. */
export const logistic = (u: Tensor): Tensor => {
  const positive = clip(u, 2 ** -25, 1);
  return sub(log(positive), log1p(neg(positive)));
};
