import {
  abs,
  ancestors,
  cast,
  equal,
  greater,
  less,
  mean,
  type NdArray,
  type Node,
  type OpName,
  or,
  reshape,
  Tensor,
  tree,
  vmap,
} from '../../tensor/index.ts';
import type { CodedExamples, CodedModel } from './sensitivity.ts';

/** Where an activation is flat: no gradient, or next to none, passes there. Its name for a unit that always is. */
const activations: Partial<Readonly<Record<OpName, { readonly stuck: string; readonly flat: (y: Tensor) => Tensor }>>> =
  {
    relu: { stuck: 'dead', flat: (y) => equal(y, 0) },
    tanh: { stuck: 'saturated', flat: (y) => greater(abs(y), 0.99) },
    sigmoid: { stuck: 'saturated', flat: (y) => or(less(y, 0.01), greater(y, 0.99)) },
  };

/**
 * For each ReLU, tanh and sigmoid of a hypernetwork (in its head, its conditioner and its target) the share of examples
 * for which each unit is flat, as `layer:operation`: a pure function to trace. Units are the elements of one example's
 * activation; of rows [points, units] the columns, and of a feature map [channels, height, width] the channels.
 * @example
 * const model = hypernetwork(nn.mlp({ in: 2, hidden: [4], out: 1 }), { code: 3, head: heads.dense({ hidden: [5] }) });
 * const probe = (key: Tensor, codes: Tensor, inputs: Tensor) => hyper.probeActivity(model, model.init(key), { codes, inputs });
 * const key = ndarray([0, 1], [2], 'uint32');
 * const measured = await runOnce(referenceEngine(), probe, key, ndarray([[1, 0, 0], [0, 1, 0]]), ndarray([[1, 2], [3, 4]]));
 * const { layers } = hyper.readActivity(measured); // head:relu with 5 units, layer0:relu with 4
 */
export function probeActivity(
  model: CodedModel,
  params: unknown,
  { codes, inputs }: CodedExamples,
): Readonly<Record<string, Tensor>> {
  const flat = (code: never, input: never): Record<string, Tensor> => {
    const output = model.apply(params as never, { code, input }, { training: false });
    const found: Record<string, Tensor> = {};
    for (const node of ancestors(tree.leaves<Tensor>(output))) {
      const kind = activations[node.op.name as OpName];
      if (kind === undefined) continue;
      const y = new Tensor(node, 0);
      found[free(`${layerOf(node)}:${node.op.name}`, found)] = cast(kind.flat(y), 'float32');
    }
    return found;
  };
  const batched = vmap(flat, { in: [codes === undefined ? null : 0, 0] })(codes as never, inputs as never);
  return Object.fromEntries(Object.entries(batched).map(([name, t]) => [name, perUnit(t)]));
}

/** The layer that an activation belongs to: the one that it stands in, or that feeds it when it stands outside any. */
function layerOf({ scope, inputs }: Node): string {
  const before = inputs[0]!.node.scope;
  return (before.startsWith(scope) ? before : scope) || 'target';
}

/** A name that is not taken yet: `head:relu`, then `head:relu 2`. */
function free(name: string, taken: object): string {
  let count = 1;
  while ((count === 1 ? name : `${name} ${count}`) in taken) count++;
  return count === 1 ? name : `${name} ${count}`;
}

/** Means over examples, and over points or the places of a feature map. */
function perUnit(t: Tensor): Tensor {
  const axes = t.rank > 3 ? [0, t.rank - 2, t.rank - 1] : t.rank === 3 ? [0, 1] : [0];
  return reshape(mean(t, { axis: axes }), [-1]);
}

/** The units of one layer. */
export interface LayerActivity {
  /** The layer; `head`, then `head 2` where it has several of one kind. */
  readonly layer: string;
  /** The activation: `relu`, `tanh` or `sigmoid`. */
  readonly activation: string;
  readonly units: number;
  /** Units that are flat for every example: dead, or saturated. */
  readonly stuck: number;
  /** Share of units and examples that are flat. */
  readonly flat: number;
}

/** The activity of a network. */
export interface Activity {
  readonly layers: readonly LayerActivity[];
  /** One line for each layer of which most units are stuck. */
  readonly warnings: readonly string[];
}

/** Reads what an engine computed of {@link probeActivity}. */
export function readActivity(probe: Readonly<Record<string, NdArray>>): Activity {
  const layers = Object.entries(probe).map(([name, { data }]): LayerActivity => {
    const [layer, operation] = name.split(':') as [string, string];
    const [activation, number] = operation.split(' ') as [string, string?];
    const shares = Array.from(data);
    return {
      layer: number === undefined ? layer : `${layer} ${number}`,
      activation,
      units: shares.length,
      stuck: shares.filter((share) => share >= 1 - 1e-6).length,
      flat: shares.reduce((a, b) => a + b, 0) / shares.length,
    };
  });
  const warnings = layers
    .filter(({ stuck, units }) => stuck > mostly * units)
    .map(({ layer, activation, stuck, units }) => {
      const kind = activations[activation as OpName]?.stuck;
      return `${layer}: ${stuck} of ${units} ${activation} units are ${kind} for every example.`;
    });
  return { layers, warnings };
}

/** With more stuck units than this share a layer gets a warning. */
const mostly = 0.75;
