export type { Base } from './base.ts';
export * as codes from './codes/index.ts';
export type { AnyConditioner, Conditioner, SourceOf } from './conditioner.ts';
export { type Costed, type CostedHypernetwork, type CostedOptions, costed, multiplyAdds } from './costed.ts';
export { type Activity, type LayerActivity, probeActivity, readActivity } from './diagnostics/activity.ts';
export { type Inspectable, type Inspection, inspect, type WeightReport } from './diagnostics/inspect.ts';
export { type NearestOptions, type Neighbour, nearestCodes } from './diagnostics/nearest.ts';
export { type Projection, projectCodes } from './diagnostics/projection.ts';
export {
  type CodedExamples,
  type CodedModel,
  type Movement,
  probeSensitivity,
  readSensitivity,
  type Sensitivity,
  type SensitivityProbe,
} from './diagnostics/sensitivity.ts';
export { type Moments, moments, type Statistics, statistics } from './diagnostics/statistics.ts';
export {
  type LayerVariance,
  type Probed,
  type ProbedExamples,
  type VarianceSample,
  varianceProbe,
} from './diagnostics/variance.ts';
export {
  showVariance,
  type VarianceFigure,
  type VarianceReport,
  type VarianceRow,
  varianceReport,
} from './diagnostics/varianceReport.ts';
export {
  type CondConvOptions,
  condConv2d,
  type DyConvOptions,
  type Dynamic,
  type DynamicFilter,
  type DynamicFilterOptions,
  type DynamicFilterSpec,
  type DynamicOptions,
  dyConv2d,
  dynamic,
  dynamicFilter2d,
  type FullConvOptions,
  fullConv2d,
  type MeansSpec,
  type MixtureConv,
} from './dynamic/index.ts';
export type { Temperature, TemperatureLine, TemperatureSpec, TemperatureStairs } from './generator/temperature.ts';
export { grow } from './grow.ts';
export {
  type AnyHead,
  type CodeSpec,
  defineHead,
  type Head,
  mapTarget,
  type TargetSpec,
  type Weights,
} from './head.ts';
export * as heads from './heads/index.ts';
export {
  type HyperInput,
  type Hypernetwork,
  type HypernetworkOptions,
  type HyperSettings,
  type HyperSpec,
  hypernetwork,
  type TargetOptions,
} from './hypernetwork.ts';
export { type HyperResNet, type HyperResNetOptions, hyperResNet } from './hyperResNet.ts';
export {
  biasHyperInit,
  constantInit,
  type HeadInit,
  type HeadInput,
  type HyperfanOptions,
  hyperfanIn,
  hyperfanOut,
  kaimingInit,
  mipInit,
} from './init.ts';
export * as pareto from './pareto.ts';
export type { PerCode } from './perCode.ts';
export { type Candidate, candidates } from './plan/candidates.ts';
export { type Budget, type Plan, type PlanEntry, type PlanOptions, type PlanTarget, plan } from './plan/plan.ts';
export { type Memory, type MemoryRegularizer, type RememberOptions, remember } from './remember.ts';
export { type Selection, select } from './select.ts';
