/** What a training run tells while it goes. */
export type TrainEvent =
  | {
      readonly event: 'start';
      readonly step: number;
      readonly steps: number;
      readonly parameters: number;
      readonly compileMs: number;
    }
  | {
      readonly event: 'step';
      readonly step: number;
      readonly loss: number;
      /** What the regulariser added, where there is one. */
      readonly penalty?: number;
      readonly gradientNorm: number;
      /** What else the method measured: returns of episodes, say. */
      readonly metrics?: Readonly<Record<string, number>>;
      readonly stepsPerSecond: number;
      readonly secondsLeft: number;
    }
  | { readonly event: 'eval'; readonly step: number; readonly metrics: Readonly<Record<string, number>> }
  | { readonly event: 'checkpoint'; readonly step: number; readonly path: string }
  | { readonly event: 'stop'; readonly step: number; readonly reason: StopReason };

/** Why a run ended: all its steps, no more progress, or a signal. */
export type StopReason = 'steps' | 'early' | 'signal';
