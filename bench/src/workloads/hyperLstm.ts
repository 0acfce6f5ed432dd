import * as nn from 'hyperloom/nn';
import { characters } from './characters.ts';

const core = nn.hyperLstm({ in: 64, hidden: 128, hyper: 32, code: 4, layerNorm: true });

/** A layer-normalised HyperLSTM of 128 units, a small cell of 32, codes of 4. */
export const hyperLstmModel = nn.characterModel({ symbols: 64, core });

/** The HyperLSTM of Ha et al. 2016 over 50 steps, the symbol that follows at each. */
export const hyperLstm = characters('hyperLstm', hyperLstmModel);

/** The same over 200 steps. */
export const hyperLstmLong = characters('hyperLstmLong', hyperLstmModel);
