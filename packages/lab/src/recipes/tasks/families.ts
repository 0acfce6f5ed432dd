import { type Batches, type Random, randomAt } from 'hyperloom/data';
import { type Aval, type NdArray, ndarray, tree } from 'hyperloom/tensor';

/**
 * Waves of two levels. A family is a waveform, g(t) = sin t + second sin 2t + third cos 3t; its members differ in
 * amplitude, phase and offset: y = amplitude g(2x + phase) + offset.
 */
export interface Family {
  readonly second: number;
  readonly third: number;
}

/** What sets a member of a family apart. */
export interface Member {
  readonly amplitude: number;
  readonly phase: number;
  readonly offset: number;
}

/** A family with some of its members as a model of two levels reads it; an example is a family. */
export interface FamilyExample<A> {
  readonly input: {
    /** Code of the family [familySize]. */
    readonly code: A;
    readonly input: {
      /** Codes of its members [members, memberSize]. */
      readonly code: A;
      /** Their points [members, points, 1], from -1 to 1. */
      readonly input: A;
    };
  };
  /** Values there [members, points, 1]. */
  readonly target: A;
}

export interface FamilySizes {
  readonly families: number;
  readonly members: number;
  readonly points: number;
}

/** Numbers in the code of a family: its two harmonics, scaled to a mean square of 1. */
export const familySize = 2;
/** Numbers in the code of a member: amplitude and offset, scaled so, and cosine and sine of the phase times sqrt 2. */
export const memberSize = 4;
/** Half of the range of x. */
export const halfRange = 2;

export const waveValue = ({ second, third }: Family, { amplitude, phase, offset }: Member, x: number): number => {
  const t = 2 * x + phase;
  return amplitude * (Math.sin(t) + second * Math.sin(2 * t) + third * Math.cos(3 * t)) + offset;
};

const training = 0;
const testing = 1;
const drawing = 2;

/** Fresh families in each batch, each batch a function of seed and step; two sets of arrays take turns. */
export function familyBatches(sizes: FamilySizes, seed: number): Batches<FamilyExample<NdArray>> {
  const buffers = [familyArrays(sizes), familyArrays(sizes)] as const;
  let turn: 0 | 1 = 0;
  return {
    size: sizes.families,
    perEpoch: 1,
    spec: tree.map(({ dtype, shape }: NdArray): Aval => ({ dtype, shape }), buffers[0]) as FamilyExample<Aval>,
    at: (step) => {
      const buffer = buffers[turn];
      turn = turn === 0 ? 1 : 0;
      fill(buffer, sizes, () => randomAt(seed, training, step));
      return buffer;
    },
  };
}

/** Fixed families and members that no batch holds. */
export function familyTests(sizes: FamilySizes): FamilyExample<NdArray> {
  const examples = familyArrays(sizes);
  fill(examples, sizes, () => randomAt(0, testing));
  return examples;
}

function familyArrays({ families, members, points }: FamilySizes): FamilyExample<NdArray> {
  const zeros = (...shape: number[]) => ndarray(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  const one = () => zeros(families, members, points, 1);
  return {
    input: { code: zeros(families, familySize), input: { code: zeros(families, members, memberSize), input: one() } },
    target: one(),
  };
}

const uniform = (random: Random, most: number): number => most * (2 * random.uniform() - 1);

/** The codes of a family and of a member: numbers of mean square 1. */
const familyCode = ({ second, third }: Family): number[] => [second, third].map((h) => (h * Math.sqrt(3)) / 0.8);
/** Codes of families to look at: sine waves, and sine waves with the most of one harmonic. */
export const namedFamilies: Readonly<Record<string, number[]>> = {
  sine: familyCode({ second: 0, third: 0 }),
  second: familyCode({ second: 0.8, third: 0 }),
  third: familyCode({ second: 0, third: 0.8 }),
};

const memberCode = ({ amplitude, phase, offset }: Member): number[] => [
  (amplitude - 1) * 2 * Math.sqrt(3),
  Math.SQRT2 * Math.cos(phase),
  Math.SQRT2 * Math.sin(phase),
  offset * Math.sqrt(3),
];

const drawFamily = (random: Random): Family => ({ second: uniform(random, 0.8), third: uniform(random, 0.8) });
const drawMember = (random: Random): Member => ({
  amplitude: 1 + uniform(random, 0.5),
  phase: Math.PI * (1 + uniform(random, 1)),
  offset: uniform(random, 1),
});

function fill(
  { input: { code, input }, target }: FamilyExample<NdArray>,
  { families, members, points }: FamilySizes,
  stream: () => Random,
): void {
  const random = stream();
  for (let f = 0; f < families; f++) {
    const family = drawFamily(random);
    (code.data as Float32Array).set(familyCode(family), f * familySize);
    for (let m = f * members; m < (f + 1) * members; m++) {
      const member = drawMember(random);
      (input.code.data as Float32Array).set(memberCode(member), m * memberSize);
      for (let i = m * points; i < (m + 1) * points; i++) {
        const x = uniform(random, 1);
        input.input.data[i] = x;
        target.data[i] = waveValue(family, member, halfRange * x);
      }
    }
  }
}

/** One member of one family that no batch and no test holds, at places from -1 to 1. */
export function drawnFamily(number: number, places: Float32Array) {
  const random = randomAt(0, drawing, number);
  const [family, member] = [drawFamily(random), drawMember(random)];
  return {
    value: (x: number) => waveValue(family, member, x),
    input: {
      code: ndarray(familyCode(family)),
      input: { code: ndarray([memberCode(member)]), input: ndarray(places.slice(), [1, places.length, 1]) },
    },
  };
}
