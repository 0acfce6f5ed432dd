import * as nn from 'hyperloom/nn';
import { characters } from './characters.ts';

const model = nn.characterModel({ symbols: 64, core: nn.lstm({ in: 64, hidden: 256 }) });

/** A plain LSTM of 256 units over 100 steps, the symbol that follows at each. */
export const lstm = characters('lstm', model);
