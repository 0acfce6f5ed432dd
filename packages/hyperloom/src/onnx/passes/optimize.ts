import type { Program } from '../../tensor/index.ts';
import { moveBroadcasts } from './broadcasts.ts';
import { dropDead } from './dead.ts';
import { foldConstants } from './fold.ts';
import { joinLoops, optimizeBodies, trimLoops } from './loops.ts';
import { share } from './share.ts';
import { simplify } from './simplify.ts';

/** The passes in their order. Each gives a program that computes the same outputs. */
const passes = [
  joinLoops,
  dropDead,
  trimLoops,
  dropDead,
  moveBroadcasts,
  simplify,
  foldConstants,
  simplify,
  share,
  dropDead,
];

/** The same program with less to do, and the programs in its loops too. */
export const optimize = (program: Program): Program =>
  optimizeBodies(
    passes.reduce((p, pass) => pass(p), program),
    optimize,
  );
