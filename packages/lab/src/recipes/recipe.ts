import type { EvalBatches, Vocabulary } from 'hyperloom/data';
import type { Engine } from 'hyperloom/engine';
import type { World } from 'hyperloom/rl';
import type { Tensor } from 'hyperloom/tensor';
import type {
  Example,
  Measure,
  Method,
  Run,
  SymbolModel,
  Trainable,
  TrainOptions,
  TrainWithOptions,
} from 'hyperloom/train';
import type { Moment } from '../report/worlds/index.ts';

/** A setting of a recipe that `--set` changes. */
export interface RecipeOption {
  readonly default: boolean | number | string;
  /** The words that may stand for it, where not every one does. */
  readonly choices?: readonly string[];
  /** The smallest number that may stand for it. */
  readonly least?: number;
  /** Whether it takes whole numbers only. */
  readonly whole?: boolean;
  readonly help: string;
}

/** Values of a recipe's settings, by name. */
export type Settings = Readonly<Record<string, boolean | number | string>>;

/** What the command line says of one experiment beside the recipe's own settings. */
export interface RunFlags {
  /** Seed of this one experiment; a run of several seeds prepares one experiment for each. */
  readonly seed: number;
  /** Steps in place of the recipe's own: of each phase, for trials that train in several. */
  readonly steps?: number;
  /** Ends what takes long to prepare, such as the reading of many files. */
  readonly signal?: AbortSignal;
}

/** What the session fills in. */
type Filled = 'seed' | 'engine' | 'signal' | 'checkpoint' | 'resume' | 'onEvent';

/** What `train` of the library is told by the recipe; the rest is the session's. */
export type SessionTrainOptions = Omit<TrainOptions, Filled>;

/** What `trainWith` of the library is told by the recipe; the rest is the session's. */
export type SessionTrainWithOptions<M extends Trainable = Trainable> = Omit<TrainWithOptions<M>, Filled>;

/** What a trial is run with. Everything that it trains resumes, stops on a signal and reports by itself. */
export interface Session {
  readonly seed: number;
  readonly engine: Engine;
  /**
   * `train` of the library with seed, engine, signal, checkpoint, resume and events filled in. A training that has
   * ended before is loaded from its checkpoint, not run again. Under `eval`, `inspect`, `generate` and `export`
   * nothing is trained: each training is what its checkpoint holds, and the last one that has a checkpoint is the run.
   * @param phase names one of several trainings of a trial, such as `task1`; each has a checkpoint of its own. Letters,
   *   digits, `-` and `_`.
   * @throws Stopped on a signal, for the lab to catch; ArgumentError for a phase that was used before
   */
  train<M extends Trainable>(model: M, options: SessionTrainOptions, phase?: string): Promise<Run<M>>;
  /** The same for any method of training, such as `rl.ppo`. */
  trainWith<M extends Trainable>(
    model: M,
    method: Method<M>,
    options: SessionTrainWithOptions<M>,
    phase?: string,
  ): Promise<Run<M>>;
}

/** Named figures: `mse`, `accuracy` and so on. */
export type Figures = Readonly<Record<string, number>>;

/** A code of a hypernetwork by a name that a reader knows it by. */
export interface NamedCode {
  readonly name: string;
  /** In the form that `run.generate` takes. */
  readonly code: unknown;
}

/** A hypernetwork within a model, such as the policy of an agent. */
export interface GeneratingPart {
  readonly model: Trainable;
  /** An input of its target. */
  readonly exampleInput: unknown;
  /** Its parameters, of those of the model. */
  of(params: unknown): unknown;
}

/** How a trial's model writes text. */
export interface Language {
  readonly vocabulary: Vocabulary;
  /** The network that goes one character at a time: the trial's model, or the target of a hypernetwork. */
  readonly model: SymbolModel;
  /**
   * The network of a code on the line between two example codes, at 0 the first and at 1 the second, as a function of
   * the parameters of the trial's model; for `--between`. Absent where there is no such line.
   */
  between?(from: unknown, to: unknown, share: number): SymbolModel;
}

/** How a trial's model draws images from codes. */
export interface Drawing {
  /** Pixels of a side that it was trained on; it draws any number. */
  readonly size: number;
  /**
   * Colours [points, 3], from 0 to 1, at places [points, 2], from -1 to 1, for the code on the line between two example
   * codes, at a share of 0 the first and at 1 the second: a function of the parameters of the trial's model, to trace.
   */
  draw(params: never, from: Tensor, to: Tensor, share: Tensor, places: Tensor): Tensor;
}

/** One episode, as numbers. */
export interface Episode {
  /** What was seen and done, from the first moment on. */
  readonly moments: readonly Moment[];
  readonly rewards: readonly number[];
  /** How it ended: by itself, or by the world's time limit. */
  readonly end: 'terminated' | 'limit';
}

/** A world that a trial's policy acts in. */
export interface TrialWorld {
  readonly environment: World;
  /** The code of a body, for policies of a family; `physics` holds every parameter. Absent where nothing varies. */
  code?(physics: Readonly<Record<string, number>>): readonly number[];
  /** Plays one episode; `physics` holds every parameter, as of `physicsNumbers`. */
  play(run: Run<Trainable>, physics: Readonly<Record<string, number>>, seed: number): Promise<Episode>;
}

/** One model, or way of training, of an experiment. */
export interface Trial {
  /** `main`, or the name of a control, with which its metrics begin: `control.test.mse`. Letters, digits, `-` and `_`. */
  readonly name: string;
  readonly title: string;
  /** The model of the run that `train` ends with: what eval, inspect, generate and export reopen. */
  readonly model: Trainable;
  /** Trained parameters, for the table; all of `model` when absent. */
  readonly parameters?: number;
  /** Numbers in a code that a caller may give with `--code`; absent where codes are not plain vectors. */
  readonly codeSize?: number;
  /**
   * Example codes for generate, inspect and export; the first stands for `--code` where none is given. Absent where the
   * model reads no code; empty where it reads codes of which none stands out.
   */
  readonly codes?: readonly NamedCode[];
  /** The hypernetwork within the model, where the model is none itself: what inspect, generate and the report look at. */
  readonly part?: GeneratingPart;
  /** For `sample`; absent where the model is none of language. */
  readonly language?: Language;
  /** For `draw`; absent where the model draws nothing. */
  readonly images?: Drawing;
  /** For `--set physics.*` of eval and export; absent where the model acts in none. */
  readonly world?: TrialWorld;
  /** An input of one example, for export and inspection. */
  readonly exampleInput?: unknown;
  /**
   * Examples as training reads them, for diagnostics, which look at the first batch: with different codes, in mixed
   * order. When absent, the example codes meet the example input.
   */
  readonly examples?: EvalBatches<Example>;
  /** The loss of one example, for diagnostics. */
  readonly loss?: Measure;
  /** Trains, in one phase or several; the run that it gives is the trial's. */
  train(session: Session): Promise<Run<Trainable>>;
  /** Test figures of the trained run, without prefix: `{ mse: 0.01 }` becomes `test.mse` or `control.test.mse`. */
  measure(run: Run<Trainable>, session: Session): Promise<Figures>;
}

/** A column of the table of results. */
export interface Column {
  /** A figure of `measure`, or `parameters`, or `seconds` (of training). */
  readonly metric: string;
  readonly title: string;
  readonly format: 'percent' | 'number' | 'integer';
}

/** A row of the table of results that was not measured here. */
export interface ReferenceRow {
  /** Whose figures they are: `Ha et al. 2016, hypernetwork`. */
  readonly title: string;
  /** The text of each column; empty where nothing was published. */
  readonly cells: readonly string[];
}

/** A picture of the report. */
export interface Picture {
  /** File name, with `.svg`, `.png` or `.gif`. */
  readonly name: string;
  readonly caption: string;
  /** SVG text, or the bytes of a PNG or an (animated) GIF. */
  readonly content: string | Uint8Array;
}

/** What a trial ended with. */
export interface TrialResult {
  readonly trial: Trial;
  readonly run: Run<Trainable>;
  /** Figures of `measure`. */
  readonly metrics: Figures;
  /** Seconds that its trainings took, over all calls of a run that was resumed. */
  readonly seconds: number;
}

/** Everything that the commands need of one configured recipe under one seed. */
export interface Experiment {
  /** The main model first, then its controls. */
  readonly trials: readonly [Trial, ...Trial[]];
  /** Figures known before training, such as numbers of parameters. */
  readonly counts: Figures;
  /** A digest of what a setting names outside of the settings, such as a text file: a run goes on with the same alone. */
  readonly read?: Readonly<Record<string, string>>;
  /** Lines that a person should see before training, such as files that were left out. */
  readonly notes?: readonly string[];
  readonly columns: readonly Column[];
  /** Published or other reference figures, to stand below the measured ones. */
  readonly published?: readonly ReferenceRow[];
  /**
   * Further figures of trials, by name, which want the results of all of one seed: what one reaches of another.
   */
  among?(results: readonly TrialResult[]): Readonly<Record<string, Figures>>;
  /**
   * Pictures made from the results of the first seed: fitted curves, fronts, confusion matrices. Chart modules are slow
   * to load, so recipes import `report/charts.ts` in here.
   */
  pictures?(results: readonly TrialResult[]): Promise<readonly Picture[]>;
  /**
   * A line that says what is missing when a whole run, with the recipe's own steps, falls short of what the recipe
   * promises.
   * @param metrics every figure by its whole name, such as `test.mse`: means over the seeds
   */
  judge(metrics: Figures): string | undefined;
}

/** One runnable experiment with its published reference: one file. */
export interface Recipe {
  readonly name: string;
  readonly summary: string;
  /** Published figures to stand beside the printed ones, with their source. */
  readonly reference: string;
  readonly options: Readonly<Record<string, RecipeOption>>;
  /** How many seeds a plain run takes, from `--seed` upwards; `--seeds` changes it. Default 1. */
  readonly seeds?: number;
  /** @throws ArgumentError for settings that do not fit; nothing is written then */
  prepare(settings: Settings, flags: RunFlags): Promise<Experiment>;
}
