import type { EvalBatches } from 'hyperloom/data';
import type { EvaluateOptions, Example, Measure, Metrics, Trainable, TrainOptions } from 'hyperloom/train';

/** A setting of a recipe that `--set` changes. */
export interface RecipeOption {
  readonly default: boolean | number | string;
  /** The words that may stand for it, where not every one does. */
  readonly choices?: readonly string[];
  /** The smallest number that may stand for it. */
  readonly least?: number;
  readonly help: string;
}

/** Values of a recipe's settings, by name. */
export type Settings = Readonly<Record<string, boolean | number | string>>;

/** What the command line says of a run beside the recipe's own settings. */
export interface RunFlags {
  readonly seed: number;
  /** Steps in place of the recipe's own. */
  readonly steps?: number;
}

/** One model of an experiment with its data. */
export interface Trial {
  /** `main`, or the name of a control. */
  readonly name: string;
  readonly title: string;
  readonly model: Trainable;
  readonly data: TrainOptions['data'];
  readonly validation: EvaluateOptions['data'];
  readonly test: EvalBatches<Example>;
  /** Numbers in the code that a caller gives; absent where the model holds its codes itself. */
  readonly codeSize?: number;
  /** Turns one output into a class, for the confusion matrix. */
  readonly predict: (output: never) => unknown;
}

/** Everything that the commands need of one configured recipe. */
export interface Experiment {
  /** The main model first, then its controls. */
  readonly trials: readonly [Trial, ...Trial[]];
  readonly steps: number;
  readonly evaluateEvery: number;
  readonly loss: Measure;
  readonly metrics: Metrics;
  readonly early: NonNullable<TrainOptions['early']>;
  optimizer(steps: number): TrainOptions['optimizer'];
  /** Class of each test example, and their names. */
  readonly classes: { readonly labels: ArrayLike<number>; readonly names: readonly string[] };
  /** Figures known before training, such as numbers of parameters. */
  readonly counts: Readonly<Record<string, number>>;
  /** A line that says what is missing when a whole run falls short of what the recipe promises. */
  judge(metrics: Readonly<Record<string, number>>): string | undefined;
}

/** One runnable experiment with its published reference: one file. */
export interface Recipe {
  readonly name: string;
  readonly summary: string;
  /** Published figures to stand beside the printed ones, with their source. */
  readonly reference: string;
  readonly options: Readonly<Record<string, RecipeOption>>;
  prepare(settings: Settings, flags: RunFlags): Promise<Experiment>;
}
