import { HyperloomError, isFloat, type NdArray, tree } from '../tensor/index.ts';

/** The loss or the gradient stopped being a number. */
export class DivergenceError extends HyperloomError {
  override readonly name = 'DivergenceError';
  /** The step whose loss or gradient was not finite, counted from 0. */
  readonly step: number;
  constructor(step: number, message: string) {
    super(message);
    this.step = step;
  }
}

const allFinite = ({ dtype, data }: NdArray): boolean => !isFloat(dtype) || data.every(Number.isFinite);

const firstBad = (values: unknown): string | undefined =>
  Object.entries(tree.flatten<NdArray>(values)).find(([, array]) => !allFinite(array))?.[0];

/** What was known when a step went wrong. */
export interface Failure {
  readonly step: number;
  readonly loss: number;
  readonly penalty?: number;
  readonly gradientNorm: number;
  readonly before: { readonly loss: number; readonly gradientNorm: number } | undefined;
  /** What the step read. */
  readonly inputs: unknown;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly params: unknown;
  /** The state that the step was given. */
  readonly state: unknown;
  readonly checkpoint: { readonly step: number; readonly path: string } | undefined;
}

/** The error for a step that went wrong: what, when, why in all likelihood, and where to go on from. */
export function divergence(failure: Failure): DivergenceError {
  const { step, loss, penalty = 0, gradientNorm, before, inputs, metrics = {}, params, state, checkpoint } = failure;
  const bad = Object.entries({ loss, "regulariser's penalty": penalty, ...metrics }).find(
    ([, value]) => !Number.isFinite(value),
  );
  const isForward = bad !== undefined;
  const what = isForward ? `the ${bad[0]} is ${bad[1]}` : `the gradient's norm is ${gradientNorm}`;
  const saved = checkpoint
    ? `last good checkpoint: step ${checkpoint.step}, ${checkpoint.path}`
    : 'no checkpoint was saved';
  return new DivergenceError(step, `training stopped at step ${step}: ${what}; likely cause: ${cause()}; ${saved}`);

  function cause(): string {
    const data = firstBad(inputs);
    if (data !== undefined) return `the data hold NaN or infinity in ${data}`;
    const weight = firstBad(params);
    if (weight !== undefined) return `the weights ${weight} overflowed; lower the learning rate`;
    const carried = firstBad({ state });
    if (carried !== undefined) return `the carried ${carried} overflowed: what the model reads back must stay bounded`;
    const grew =
      before === undefined
        ? ''
        : `, after a loss of ${before.loss.toPrecision(4)} and a gradient norm of ${before.gradientNorm.toPrecision(4)}`;
    return !isForward
      ? `a derivative that is infinite at this point (sqrt or log at 0, say), or an overflow on the way back${grew}`
      : `an overflow in the forward pass or the loss${grew}; lower the learning rate or clip the gradient`;
  }
}
