export {
  type Cell,
  type CellDefinition,
  type CellInput,
  type CellOutput,
  defineCell,
  type HiddenState,
  type LstmState,
  type StateTypes,
} from './cell.ts';
export {
  type CharacterModel,
  type CharacterModelOptions,
  type CharacterModelSpec,
  characterModel,
} from './characterModel.ts';
export { type GruOptions, type GruSpec, gruCell } from './gruCell.ts';
export { type HyperLstmOptions, type HyperLstmSpec, type HyperLstmState, hyperLstmCell } from './hyperLstmCell.ts';
export {
  type HyperRnnOptions,
  type HyperRnnSpec,
  type HyperRnnState,
  hyperRnnCell,
  type RescalingCell,
} from './hyperRnnCell.ts';
export * from './layers.ts';
export { type LstmNormSpec, type LstmOptions, type LstmSpec, lstmCell } from './lstmCell.ts';
export {
  type LayerOptions,
  type PerLayer,
  type Recurrent,
  type RecurrentOptions,
  recurrent,
  type SequenceInput,
} from './recurrent.ts';
export type { RescaleSpec, Rescales } from './rescales.ts';
export { type RnnOptions, type RnnSpec, rnnCell } from './rnnCell.ts';
