import { evalBatches } from 'hyperloom/data';
import * as nn from 'hyperloom/nn';
import { type Compacted, compact, openRun, type Run, type Trainable } from 'hyperloom/train';
import type { Figures, Session } from './recipe.ts';
import type { ImageSet } from './tasks/images.ts';
import { fullWidths } from './tasks/slimNet.ts';
import { codeOf, uniform, type Widths } from './tasks/widths.ts';

/** The shares of all layers that are measured by name, with those of their figures. */
export const shares = { w25: 0.25, w50: 0.5, w75: 0.75, w100: 1 } as const;

/** The architectures of {@link shares}, by name. */
export const uniformWidths: Readonly<Record<string, Widths>> = Object.fromEntries(
  Object.entries(shares).map(([name, share]) => [name, uniform(share, fullWidths)]),
);

/** What every trial knows of the experiment. */
export interface Known {
  readonly set: ImageSet;
  readonly seed: number;
  readonly steps: number;
  readonly scratchSteps: number;
  readonly batch: number;
  /** Widths that no training of many widths meets. */
  readonly unseen: readonly Widths[];
  /** Those of {@link unseen} that are trained from scratch. */
  readonly scratch: readonly Widths[];
}

/** What a trial found for an architecture. */
export interface Measured {
  readonly widths: Widths;
  readonly accuracy: number;
  readonly multiplyAdds: number;
}

/** What the trials found, by their names, for the pictures and the rank correlation. */
export interface Found {
  readonly uniform: Map<string, readonly Measured[]>;
  readonly unseen: Map<string, readonly Measured[]>;
  /** The main trial's network at the smallest of the uniform widths. */
  narrowest?: Run<Trainable>;
}

/** The network of a code as a smaller one without the channels that are closed. */
export const cutOut = (
  run: Run<Trainable>,
  own: Widths,
  { set: { channels, height, width } }: Known,
): Promise<Compacted> =>
  compact(run, {
    code: codeOf(own, fullWidths),
    input: {
      code: { dtype: 'float32', shape: [own.length] },
      input: { dtype: 'float32', shape: [channels, height, width] },
    },
  });

/** The test set as a plain network reads it. */
export const testOf = ({ set: { test } }: Known) => evalBatches({ input: test.images, target: test.labels }, 500);

/** Accuracy of a network on the test set. */
export async function accuracyOf(
  { module, params }: Pick<Compacted, 'module' | 'params'>,
  session: Session,
  known: Known,
) {
  const run = openRun(module, params, session.engine);
  try {
    return (await run.evaluate(testOf(known), { accuracy: nn.metrics.accuracy })).accuracy!;
  } finally {
    await run.dispose();
  }
}

/** Mean accuracy. */
export const meanOf = (all: readonly Measured[]): number =>
  all.reduce((sum, { accuracy }) => sum + accuracy, 0) / all.length;

/** Errors at {@link uniformWidths}, by name. */
export const errorsOf = (uniforms: readonly Measured[]): Figures =>
  Object.fromEntries(Object.keys(shares).map((name, i) => [`error.${name}`, 1 - uniforms[i]!.accuracy]));
