import type { HiddenState, LstmState } from './cell.ts';
import { type GruOptions, type GruSpec, gruCell } from './gruCell.ts';
import { type HyperLstmOptions, type HyperLstmSpec, type HyperLstmState, hyperLstmCell } from './hyperLstmCell.ts';
import { type HyperRnnOptions, type HyperRnnSpec, type HyperRnnState, hyperRnnCell } from './hyperRnnCell.ts';
import { type LstmOptions, type LstmSpec, lstmCell } from './lstmCell.ts';
import { type LayerOptions, type Recurrent, recurrent } from './recurrent.ts';
import { type RnnOptions, type RnnSpec, rnnCell } from './rnnCell.ts';

/**
 * Layers of {@link rnnCell} over a sequence: [T, in] to [T, hidden].
 * @throws as {@link recurrent} does
 * @example
 * const net = nn.rnn({ in: 3, hidden: 8 });
 * const y = net.apply(net.init(random.key(0)), constant(zerosArray('float32', [5, 3]))); // [5, 8]
 */
export const rnn = (options: RnnOptions & LayerOptions): Recurrent<RnnSpec, HiddenState> =>
  recurrent({ name: 'rnn', ...options, cell: (inputs) => rnnCell({ ...options, in: inputs }) });

/**
 * Layers of {@link gruCell} over a sequence: [T, in] to [T, hidden].
 * @throws as {@link recurrent} does
 * @example
 * const net = nn.gru({ in: 3, hidden: 8, bidirectional: true });
 * const y = net.apply(net.init(random.key(0)), constant(zerosArray('float32', [5, 3]))); // [5, 16]
 */
export const gru = (options: GruOptions & LayerOptions): Recurrent<GruSpec, HiddenState> =>
  recurrent({ name: 'gru', ...options, cell: (inputs) => gruCell({ ...options, in: inputs }) });

/**
 * Layers of {@link lstmCell} over a sequence: [T, in] to [T, hidden]. `dropout` is that of the cell's candidate,
 * `layerDropout` that between layers.
 * @throws as {@link recurrent} does
 * @example
 * const net = nn.lstm({ in: 3, hidden: 8, layers: 2, layerNorm: true });
 * const params = net.init(random.key(0));
 * const first = net.unroll(params, { x: constant(zerosArray('float32', [5, 3])) }); // first.y is [5, 8]
 * const second = net.unroll(params, { x: constant(zerosArray('float32', [5, 3])), state: first.state });
 */
export const lstm = (options: LstmOptions & LayerOptions): Recurrent<LstmSpec, LstmState> =>
  recurrent({ name: 'lstm', ...options, cell: (inputs) => lstmCell({ ...options, in: inputs }) });

/**
 * Layers of {@link hyperRnnCell} over a sequence: [T, in] to [T, hidden] (Ha et al. 2016).
 * @throws as {@link recurrent} does
 * @example
 * const net = nn.hyperRnn({ in: 3, hidden: 8, hyper: 4, code: 2 });
 * const y = net.apply(net.init(random.key(0)), constant(zerosArray('float32', [5, 3]))); // [5, 8]
 */
export const hyperRnn = (options: HyperRnnOptions & LayerOptions): Recurrent<HyperRnnSpec, HyperRnnState> =>
  recurrent({ name: 'hyperRnn', ...options, cell: (inputs) => hyperRnnCell({ ...options, in: inputs }) });

/**
 * Layers of {@link hyperLstmCell} over a sequence: [T, in] to [T, hidden] (Ha et al. 2016). `dropout` is that of the
 * large cell's candidate, `layerDropout` that between layers.
 * @throws as {@link recurrent} does
 * @example
 * const net = nn.hyperLstm({ in: 3, hidden: 8, hyper: 4, code: 2, layerNorm: true, dropout: 0.1 });
 * const params = net.init(random.key(0));
 * const x = constant(zerosArray('float32', [5, 3]));
 * const { y } = net.unroll(params, { x }, { training: true, key: random.key(1) }); // [5, 8]
 */
export const hyperLstm = (options: HyperLstmOptions & LayerOptions): Recurrent<HyperLstmSpec, HyperLstmState> =>
  recurrent({ name: 'hyperLstm', ...options, cell: (inputs) => hyperLstmCell({ ...options, in: inputs }) });
