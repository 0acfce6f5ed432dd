import type { Kernel } from './kernels.ts';
import type { Rates } from './rates.ts';

/** Kernels that have something in common. */
export interface Group {
  readonly name: string;
  readonly count: number;
  readonly ms: number;
  /** What the machine would need at best: the longer of its multiply-adds and its bytes, kernel by kernel. */
  readonly floorMs: number;
  readonly multiplyAdds: number;
  readonly bytes: number;
}

/** Milliseconds that a kernel would take at the measured rates, if nothing else cost time. */
export const floorOf = ({ multiplyAdds, bytes }: Kernel, rates: Rates): number =>
  1000 * Math.max(multiplyAdds / rates.multiplyAdds, bytes / rates.bytes);

/** Groups of kernels by a name, those that take longest first. */
export function grouped(kernels: readonly Kernel[], rates: Rates, by: (kernel: Kernel) => string): Group[] {
  const groups = new Map<string, Group>();
  for (const kernel of kernels) {
    const name = by(kernel);
    const own = groups.get(name) ?? { name, count: 0, ms: 0, floorMs: 0, multiplyAdds: 0, bytes: 0 };
    groups.set(name, {
      name,
      count: own.count + 1,
      ms: own.ms + kernel.ms,
      floorMs: own.floorMs + floorOf(kernel, rates),
      multiplyAdds: own.multiplyAdds + kernel.multiplyAdds,
      bytes: own.bytes + kernel.bytes,
    });
  }
  return [...groups.values()].sort((a, b) => b.ms - a.ms);
}
