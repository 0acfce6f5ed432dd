import {
  ArgumentError,
  add,
  constant,
  div,
  gather,
  greater,
  less,
  log,
  matmul,
  max,
  maximum,
  minimum,
  mul,
  reshape,
  ShapeError,
  showShape,
  stopGradient,
  sub,
  sum,
  type Tensor,
  transposeMatrix,
  where,
} from '../tensor/index.ts';

/*
 * Ways to make one loss of several, given a preference ray: what a hypernetwork of rays trains on, so that each ray
 * gives a network at its own place of the Pareto front (Navon et al. 2021). Losses and rays are vectors [m].
 */

function checkPair(where: string, losses: Tensor, ray: Tensor): void {
  if (losses.rank !== 1 || ray.rank !== 1 || losses.shape[0] !== ray.shape[0])
    throw new ShapeError(
      `${where}: expected losses and a ray [m], got ${showShape(losses.shape)} and ${showShape(ray.shape)}`,
    );
}

/**
 * Linear scalarisation: sum of r_i l_i. It reaches the convex parts of a front only.
 * @throws ShapeError unless both are vectors of one size
 * @example
 * const loss = hyper.pareto.linear(constant([1, 2]), constant([0.25, 0.75])); // 1.75
 */
export function linear(losses: Tensor, ray: Tensor): Tensor {
  checkPair('pareto.linear', losses, ray);
  return sum(mul(losses, ray));
}

/**
 * Chebyshev scalarisation: the largest r_i l_i. Its minimum lies where the ray of 1 / r meets the front, whatever the
 * front's form.
 * @throws ShapeError unless both are vectors of one size
 * @example
 * const loss = hyper.pareto.chebyshev(constant([1, 2]), constant([0.25, 0.75])); // 1.5
 */
export function chebyshev(losses: Tensor, ray: Tensor): Tensor {
  checkPair('pareto.chebyshev', losses, ray);
  return max(mul(losses, ray));
}

/** Exact Pareto optimal descent stops balancing when the losses along the ray differ by less than this. */
const balanced = 1e-4;

/**
 * Exact Pareto optimal search for two losses (EPO: Mahapatra and Rajan 2020): the losses weighted so that their joint
 * gradient brings r_1 l_1 and r_2 l_2 together, and once they are together descends in both. The linear program of the
 * paper has one unknown for two losses, so its solution is written out. The weights count as constants.
 * @param gradients of both losses with respect to the weights that they share: [2, n]
 * @throws ShapeError unless losses and ray are vectors of two and gradients [2, n]
 * @example
 * const gradients = constant(ndarray([[1, 0], [0, 1]]));
 * const loss = hyper.pareto.epo(constant([1, 2]), constant([0.5, 0.5]), gradients); // all weight on the larger: 4
 */
export function epo(losses: Tensor, ray: Tensor, gradients: Tensor): Tensor {
  checkPair('pareto.epo', losses, ray);
  if (losses.shape[0] !== 2 || gradients.rank !== 2 || gradients.shape[0] !== 2)
    throw new ShapeError(
      `pareto.epo: expected two losses and gradients [2, n], got ${showShape(losses.shape)} and ${showShape(gradients.shape)}`,
    );
  const t = stopGradient(epoShare(losses, ray, gradients));
  // Scaled by the number of losses, as the authors do.
  return mul(add(mul(t, at(losses, 0)), mul(sub(1, t), at(losses, 1))), 2);
}

const at = (vector: Tensor, i: number): Tensor => gather(vector, constant(i, 'int32'));

/** The share of the first loss, from 0 to 1. */
function epoShare(losses: Tensor, ray: Tensor, gradients: Tensor): Tensor {
  const tiny = 1e-12;
  const along = mul(ray, losses);
  const share = div(along, maximum(sum(along), tiny));
  const logs = log(maximum(mul(share, 2), tiny));
  const imbalance = sum(mul(share, logs));
  const anchor = mul(ray, sub(logs, imbalance));
  // C = G G^T, and the two sides of the paper's constraints C alpha >= bound.
  const gram = matmul(gradients, transposeMatrix(gradients));
  const towards = reshape(matmul(gram, reshape(anchor, [2, 1])), [2]);
  const balancing = greater(imbalance, balanced);
  const someRise = greater(max(towards), 0);
  const largest = max(along);
  const none = -3e38;
  const bound = (i: number): Tensor => {
    const own = at(towards, i);
    const free = where(greater(own, 0), none, own);
    const held = where(less(at(along, i), largest), free, 0);
    return where(balancing, where(someRise, held, 0), 0);
  };
  const c = (i: number, j: number) => at(reshape(gram, [4]), 2 * i + j);
  let [low, high]: [Tensor, Tensor] = [constant(0), constant(1)];
  for (const i of [0, 1]) {
    const slope = sub(c(i, 0), c(i, 1));
    const edge = div(sub(bound(i), c(i, 1)), where(greater(mul(slope, slope), 0), slope, 1));
    low = where(greater(slope, 0), maximum(low, edge), low);
    high = where(less(slope, 0), minimum(high, edge), high);
  }
  const gain = where(balancing, sub(at(towards, 0), at(towards, 1)), sub(add(c(0, 0), c(1, 0)), add(c(0, 1), c(1, 1))));
  const chosen = where(greater(gain, 0), high, low);
  // Gradients that leave no common descent: keep to what is possible.
  return minimum(maximum(chosen, 0), 1);
}

/**
 * The volume that points dominate below a reference, for two objectives to be made small: the area between the front of
 * the points and the reference. Points beyond the reference add nothing.
 * @throws ArgumentError unless points and reference have two numbers each
 * @example
 * const area = hyper.pareto.hypervolume([[0, 0.5], [0.5, 0]], [1, 1]); // 0.75
 */
export function hypervolume(points: readonly (readonly number[])[], reference: readonly number[]): number {
  if ([...points, reference].some((point) => point.length !== 2))
    throw new ArgumentError('pareto.hypervolume: expected points and a reference of two numbers');
  const [right, top] = reference as readonly [number, number];
  const inside = points
    .map(([x, y]) => [x!, y!] as const)
    .filter(([x, y]) => x < right && y < top)
    .sort(([a], [b]) => a - b);
  let area = 0;
  let ceiling = top;
  for (const [x, y] of inside) {
    if (y >= ceiling) continue;
    area += (right - x) * (ceiling - y);
    ceiling = y;
  }
  return area;
}

/**
 * Preference rays of two objectives, evenly spread by angle from just inside one axis to the other; each sums to 1.
 * @throws ArgumentError for fewer than two
 */
export function evenRays(count: number, margin = 0.05): number[][] {
  if (!Number.isInteger(count) || count < 2)
    throw new ArgumentError(`pareto.evenRays: expected at least two rays, got ${count}`);
  return Array.from({ length: count }, (_, i) => {
    const angle = (margin + ((1 - 2 * margin) * i) / (count - 1)) * (Math.PI / 2);
    const total = Math.cos(angle) + Math.sin(angle);
    return [Math.cos(angle) / total, Math.sin(angle) / total];
  });
}
