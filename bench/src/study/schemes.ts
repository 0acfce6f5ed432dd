import * as hyper from 'hyperloom/hyper';

/** One way for a hypernetwork to start. */
export interface Scheme {
  readonly title: string;
  readonly init: hyper.HeadInit;
  readonly options?: hyper.TargetOptions;
  /** Whether it is tried with every head, and not with the dense one alone. */
  readonly everyHead?: boolean;
}

/** Everything that section 3 of the issue names, ordinary Kaiming last. */
export const schemes: readonly Scheme[] = [
  { title: 'hyperfan-in', init: hyper.hyperfanIn(), everyHead: true },
  { title: 'hyperfan-in, biases too', init: hyper.hyperfanIn({ biases: true }) },
  { title: 'hyperfan-out', init: hyper.hyperfanOut() },
  { title: 'hyperfan-out, biases too', init: hyper.hyperfanOut({ biases: true }) },
  { title: 'Bias-HyperInit', init: hyper.biasHyperInit(), everyHead: true },
  { title: 'MIP', init: hyper.mipInit(), everyHead: true },
  { title: 'stored base', init: hyper.hyperfanIn(), options: { base: true }, everyHead: true },
  { title: 'scaling in the target', init: hyper.hyperfanIn(), options: { scaling: 'target' }, everyHead: true },
  { title: 'Kaiming', init: hyper.kaimingInit(), everyHead: true },
];
