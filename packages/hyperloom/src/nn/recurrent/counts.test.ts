import { expect, test } from 'vitest';
import * as nn from '../index.ts';

/*
 * Ha et al. 2016, table of character Penn Treebank: 1000 units, a small cell of 128, codes of 4, and a layer to the
 * symbols. Its LSTM has 4.25M parameters and its HyperLSTM 4.91M: so have these with one-hot vectors of 49 symbols and
 * of 50. Norms add 10,768 to the HyperLSTM (scales and shifts, less the bias of the small cell).
 */
const count = (symbols: number, core: { readonly in: number; readonly out: number; readonly spec: unknown }) =>
  nn.countParams(core.spec) + nn.countParams(nn.linear({ in: core.out, out: symbols }).spec);
const lstm = (symbols: number, layerNorm = false) => count(symbols, nn.lstm({ in: symbols, hidden: 1000, layerNorm }));
const hyperLstm = (symbols: number, layerNorm = false) =>
  count(symbols, nn.hyperLstm({ in: symbols, hidden: 1000, hyper: 128, code: 4, layerNorm }));

test("parameters of the paper's models of characters", () => {
  expect([lstm(49), lstm(50)]).toEqual([4_249_049, 4_254_050]);
  expect([lstm(49, true), lstm(50, true)]).toEqual([4_255_049, 4_260_050]);
  expect([hyperLstm(49), hyperLstm(50)]).toEqual([4_906_361, 4_911_874]);
  expect([hyperLstm(49, true), hyperLstm(50, true)]).toEqual([4_917_129, 4_922_642]);
});

test('a model of characters has the parameters of its parts', () => {
  const core = nn.hyperLstm({ in: 50, hidden: 1000, hyper: 128, code: 4 });
  expect(nn.countParams(nn.characterModel({ symbols: 50, core }).spec)).toBe(4_911_874);
});
