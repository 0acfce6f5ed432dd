import { fromBinary } from '@bufbuild/protobuf';
import { toOnnx } from 'hyperloom/onnx';
import { adam } from 'hyperloom/optim';
import { type Program, programCost } from 'hyperloom/tensor';
import { initProgram, packing, stepProgram, supervised } from 'hyperloom/train';
import { type GraphProto, ModelProtoSchema } from 'onnx-buf';
import { batchSizes, seededInputs } from '../peers/inputs.ts';
import { batchesOf } from './training.ts';
import { type TrainingName, trainings } from './workloads/index.ts';

/** What a step of a workload is made of. None of it depends on the machine. */
export interface Made {
  /** Nodes of the ONNX model, those in loops counted once. */
  readonly nodes: number;
  /** Of these, nodes that do no more than move numbers: turned, joined, cut, reordered. */
  readonly copies: number;
  /** Nodes by their type. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly multiplyAdds: number;
  /** Of all values of the program, in megabytes. */
  readonly megabytes: number;
}

const copying = /^(Transpose|Concat|Split|Slice|Pad|Gather|GatherElements|Expand|Tile|Reorder(Input|Output))$/;

/** The program of a workload's step, as `train` compiles it. */
function programOf(name: TrainingName): Program {
  const workload = trainings[name];
  const { model, loss, trained } = workload;
  const inputs = seededInputs(name, batchSizes[name], 1);
  const [batch] = batchesOf(workload, batchSizes[name], inputs);
  const data = { spec: batch!, at: () => batch! };
  const method = supervised({ data: data as never, loss, optimizer: adam(1e-3) });
  const subject = { model, layout: packing(model.spec, trained) };
  return stepProgram(method, subject, initProgram(method, subject).output as never).program;
}

/** Counts what a step is made of, with the blocks of 16 channels that most processors of today have. */
export function madeOf(name: TrainingName): Made {
  const program = programOf(name);
  const kinds: Record<string, number> = {};
  const count = ({ node }: GraphProto): void => {
    for (const { opType, attribute } of node) {
      kinds[opType] = (kinds[opType] ?? 0) + 1;
      for (const { g } of attribute) if (g) count(g);
    }
  };
  count(fromBinary(ModelProtoSchema, toOnnx(program, { block: 16 })).graph!);
  const { multiplyAdds, bytes } = programCost(program);
  const sum = (test: (kind: string) => boolean) =>
    Object.entries(kinds).reduce((total, [kind, n]) => total + (test(kind) ? n : 0), 0);
  return {
    nodes: sum(() => true),
    copies: sum((kind) => copying.test(kind)),
    kinds: Object.fromEntries(Object.entries(kinds).sort(([a], [b]) => (a < b ? -1 : 1))),
    multiplyAdds,
    megabytes: Math.ceil(Object.values(bytes).reduce((a, b) => a + b, 0) / 1e6),
  };
}

/** Where a step is made of more than it may be, one line each. */
export function excess(name: string, made: Made, budget: Made): string[] {
  const over = (what: string, found: number, most: number) =>
    found > most ? [`${name}: expected at most ${most} ${what}, got ${found}`] : [];
  return [
    ...over('nodes', made.nodes, budget.nodes),
    ...over('nodes that copy', made.copies, budget.copies),
    ...over('multiply-adds', made.multiplyAdds, budget.multiplyAdds),
    ...over('MB of values', made.megabytes, budget.megabytes),
    ...Object.entries(made.kinds).flatMap(([kind, n]) => over(`nodes ${kind}`, n, budget.kinds[kind] ?? 0)),
  ];
}
