import { conv } from './conv.ts';
import { elementwise } from './elementwise.ts';
import { gather } from './gather.ts';
import type { Lowerings } from './lowering.ts';
import { matmul } from './matmul.ts';
import { pool } from './pool.ts';
import { reduce } from './reduce.ts';
import { scan } from './scan.ts';
import { shapes } from './shapes.ts';
import { threefry } from './threefry.ts';

/** How each operation is written in ONNX. The compiler names an operation that is missing here. */
export const lowerings: Lowerings = {
  ...elementwise,
  ...shapes,
  ...reduce,
  ...gather,
  ...matmul,
  ...conv,
  ...pool,
  ...threefry,
  ...scan,
};
