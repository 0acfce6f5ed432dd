import {
  ArgumentError,
  add,
  constant,
  type Dimension,
  dimensionsOf,
  type Gauge,
  max,
  mean,
  mul,
  nodeWork,
  type Open,
  opennessOf,
  type Program,
  reshape,
  sub,
  type Tensor,
  type ValueId,
} from '../tensor/index.ts';

/** A product of how open gates are: their names, each once, since a gate that is met twice is one gate. */
type Product = ReadonlySet<string>;

/** How open each gate is, by name. */
type Gates = Readonly<Record<string, Tensor>>;

/** A factor of products: one number for all, or one for each element of a dimension. */
interface Factor {
  readonly scalar: boolean;
  value(open: Gates): Tensor;
}

/** One product or convolution: its share of all multiply-adds, and what must be open for it. */
interface Term {
  readonly share: number;
  /** What it all depends on. */
  readonly once: Product;
  /** For each dimension that it goes over, how open its elements are: their mean is what is left of it. */
  readonly means: readonly Product[];
  /** Gates of single kernels. */
  readonly kernels: readonly string[];
}

/**
 * What gates save in a program: for each product and convolution its multiply-adds, times the expected share of elements
 * that are left of each of its dimensions, times how open the layers are through which alone its result goes. Gates are
 * taken to open independently of each other. A gate with several axes multiplies single kernels: its mean is what is
 * left of them, though an engine for dense kernels does not skip the others.
 * @param gates names of the inputs that are gates
 * @param weights names of all inputs that are weights
 * @returns the expected multiply-adds as a share of all, for how open each gate is
 * @throws ArgumentError for a program without products
 */
export function expectedCost(
  program: Program,
  gates: ReadonlySet<string>,
  weights: ReadonlySet<string>,
): (open: Gates) => Tensor {
  const dims = dimensionsOf(program, weights);
  const factors = new Map<string, Factor>();
  const names = new Map(program.inputs.map(({ id, name }) => [id, name]));

  const gateOf = (id: ValueId): Open<Product> | undefined => {
    const name = names.get(id);
    if (name === undefined || !gates.has(name) || isKernelGate(dims.aval(id).shape)) return undefined;
    const parts = dims.axes(id).flat();
    const along = new Map<Dimension, Product>();
    parts.forEach((dimension, at) => {
      const key = `${name} ${at}`;
      factors.set(key, { scalar: false, value: (open) => partOf(open[name]!, parts.map(dims.size), at) });
      along.set(dimension, new Set([key]));
    });
    if (parts.length > 0) return { whole: true, along };
    factors.set(name, { scalar: true, value: (open) => reshape(open[name]!, []) });
    return { whole: new Set([name]), along };
  };
  const { of, reaches, needed } = opennessOf(dims, products(factors), gateOf);
  const kernels = kernelGates(program, gates, weights);
  const isScalar = (key: string): boolean => factors.get(key)!.scalar;

  const works = nodeWork(program);
  const total = works.reduce((n, { multiplyAdds }) => n + multiplyAdds, 0);
  if (total === 0) throw new ArgumentError('costed: expected a network with products or convolutions, got none');
  const terms = program.nodes.flatMap((node, i): Term[] => {
    const { multiplyAdds } = works[i]!;
    if (multiplyAdds === 0) return [];
    const dimensions = (dims.labels(node) ?? []).flatMap((label) => label.dimensions);
    const left = dimensions.map((d) => needed(d) ?? true).filter((product) => product !== true);
    const wholes = [reaches(node.outputs[0]!.id), ...node.inputs.map((id) => of(id).whole)];
    const all = [...left, ...wholes.filter((product) => product !== true)];
    const means = left.map((product) => new Set([...product].filter((key) => !isScalar(key))));
    return [
      {
        share: multiplyAdds / total,
        once: new Set(all.flatMap((product) => [...product].filter(isScalar))),
        means: means.filter(({ size }) => size > 0),
        kernels: [...new Set(node.inputs.flatMap((id) => [...(kernels.get(id) ?? [])]))],
      },
    ];
  });

  return (open) => {
    const value = remembered((key: string) => factors.get(key)!.value(open));
    const productOf = (list: readonly Tensor[]) =>
      list.reduce<Tensor | undefined>((a, b) => (a ? mul(a, b) : b), undefined);
    const termOf = ({ share, once, means, kernels: own }: Term): Tensor | number => {
      const left = productOf([
        ...[...once].map(value),
        ...means.map((product) => mean(productOf([...product].map(value))!)),
        ...own.map((name) => mean(open[name]!)),
      ]);
      return left ? mul(left, share) : share;
    };
    const always = terms.map(termOf);
    const fixed = always.reduce<number>((n, term) => (typeof term === 'number' ? n + term : n), 0);
    return always.reduce<Tensor>((sum, term) => (typeof term === 'number' ? sum : add(sum, term)), constant(fixed));
  };
}

/** Whether a gate is one of single kernels: it has more than one axis. */
const isKernelGate = (shape: readonly number[]): boolean => shape.filter((size) => size !== 1).length > 1;

/** How open the parts of a dimension are: a part is, while one element of it is. */
function partOf(open: Tensor, sizes: readonly number[], at: number): Tensor {
  const others = sizes.map((_, i) => i).filter((i) => i !== at);
  const apart = reshape(open, sizes);
  return others.length === 0 ? apart : max(apart, { axis: others });
}

function remembered<K, V>(f: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.get(key) ?? f(key);
    known.set(key, value);
    return value;
  };
}

/** Products of factors. A sum of two is a factor of its own, but for what both have. */
function products(factors: Map<string, Factor>): Gauge<Product> {
  return {
    and: (a, b) => new Set([...a, ...b]),
    or: (a, b) => {
      const both = [...a].filter((key) => b.has(key));
      const [left, right] = [a, b].map((own) => [...own].filter((key) => !both.includes(key)).sort());
      if (left!.length === 0 || right!.length === 0) return new Set(both);
      const sides = [left!, right!].sort((x, y) => (x.join() < y.join() ? -1 : 1));
      const key = `(${sides.map((side) => side.join(' and ')).join(' or ')})`;
      const closed = (open: Gates, side: readonly string[]) =>
        sub(
          1,
          side.map((own) => factors.get(own)!.value(open)).reduce((x, y) => mul(x, y)),
        );
      factors.set(key, {
        scalar: sides.flat().every((own) => factors.get(own)!.scalar),
        value: (open) => sub(1, mul(closed(open, sides[0]!), closed(open, sides[1]!))),
      });
      return new Set([...both, key]);
    },
  };
}

/** The gates of single kernels that a value is made of, for values that are made of weights alone. */
function kernelGates(
  { inputs, nodes }: Program,
  gates: ReadonlySet<string>,
  weights: ReadonlySet<string>,
): Map<ValueId, ReadonlySet<string>> {
  const found = new Map<ValueId, ReadonlySet<string>>();
  for (const { id, name, shape } of inputs)
    if (weights.has(name)) found.set(id, new Set(gates.has(name) && isKernelGate(shape) ? [name] : []));
  for (const { inputs: read, outputs } of nodes) {
    if (!read.every((id) => found.has(id))) continue;
    const own = new Set(read.flatMap((id) => [...found.get(id)!]));
    for (const { id } of outputs) found.set(id, own);
  }
  return found;
}
