import type { HeadInit } from 'hyperloom/hyper';
import * as nn from 'hyperloom/nn';

/** Xavier's initialisation of every layer of a head, as von Oswald et al. 2020 have it whatever the target asks for. */
export const xavier: HeadInit = {
  name: 'xavier',
  hidden: nn.init.xavierUniform(),
  weight: () => nn.init.xavierUniform(),
  bias: () => nn.init.zeros,
  ratio: () => 1,
};
