export {
  type CondConvOptions,
  condConv2d,
  type DyConvOptions,
  dyConv2d,
  type FullConvOptions,
  fullConv2d,
  type MeansSpec,
  type MixtureConv,
} from './conv2d.ts';
export { type Dynamic, type DynamicOptions, dynamic } from './dynamic.ts';
export { type DynamicFilter, type DynamicFilterOptions, type DynamicFilterSpec, dynamicFilter2d } from './filter2d.ts';
