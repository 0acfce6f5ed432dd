import { defaultEngine, type Engine } from 'hyperloom/engine';
import { ortEngine } from 'hyperloom/engine/ort';

/** The engine for a number of threads; all cores when absent. */
export const engineOf = (threads: number | undefined): Promise<Engine> =>
  threads === undefined ? defaultEngine() : Promise.resolve(ortEngine({ threads }));
