import { authors } from './authors.ts';
import { cartpole } from './cartpole.ts';
import { charlm } from './charlm.ts';
import { continualToy } from './continualToy.ts';
import { dynamicConv } from './dynamicConv.ts';
import { gates } from './gates.ts';
import { gridnavi } from './gridnavi.ts';
import { hierarchy } from './hierarchy.ts';
import { hyperResnet } from './hyperResnet.ts';
import { inr } from './inr.ts';
import { manyMlps } from './manyMlps.ts';
import { mnist } from './mnist.ts';
import { mnistFashion } from './mnistFashion.ts';
import { mujocoFamily } from './mujocoFamily.ts';
import { paretoToy } from './paretoToy.ts';
import { pendulumFamily } from './pendulumFamily.ts';
import type { Recipe } from './recipe.ts';
import { sinusoid } from './sinusoid.ts';
import { slimmable } from './slimmable.ts';
import { splitMnist } from './splitMnist.ts';
import { statePolicy } from './statePolicy.ts';

/** Every recipe, by name. */
export const recipes: Readonly<Record<string, Recipe>> = {
  mnist,
  'many-mlps': manyMlps,
  'continual-toy': continualToy,
  'pareto-toy': paretoToy,
  sinusoid,
  hierarchy,
  gates,
  charlm,
  authors,
  slimmable,
  'hyper-resnet': hyperResnet,
  'split-mnist': splitMnist,
  inr,
  'mnist-fashion': mnistFashion,
  'dynamic-conv': dynamicConv,
  cartpole,
  'pendulum-family': pendulumFamily,
  'mujoco-family': mujocoFamily,
  gridnavi,
  'state-policy': statePolicy,
};
