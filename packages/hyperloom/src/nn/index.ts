export * from './activations.ts';
export { type AttentionOptions, type AttentionSpec, multiHeadAttention } from './attention.ts';
export { type BatchNormOptions, type BatchNormSpec, batchNorm } from './batchNorm.ts';
export { type ConvLayerOptions, type ConvSpec, conv1d, conv2d } from './conv.ts';
export { type ConvTransposeOptions, convTranspose1d, convTranspose2d } from './convTranspose.ts';
export { type DepthwiseOptions, depthwiseConv2d } from './depthwise.ts';
export { dropout } from './dropout.ts';
export { each } from './each.ts';
export { type EmbeddingOptions, type EmbeddingSpec, embedding } from './embedding.ts';
export { flatten } from './flatten.ts';
export { type GateSpec, gate, type KernelGateSpec, kernelGate } from './gate.ts';
export * as init from './init.ts';
export { type LinearOptions, type LinearSpec, linear } from './linear.ts';
export * as losses from './losses.ts';
export * as metrics from './metrics.ts';
export { type MlpOptions, type MlpSpec, mlp } from './mlp.ts';
export * from './module.ts';
export { groupNorm, layerNorm, type NormOptions, type NormSpec } from './norm.ts';
export type { Padding } from './options.ts';
export { type PatchOptions, type PositionsSpec, patchEmbedding, positions } from './patches.ts';
export { avgPool, globalAvgPool, maxPool, type PoolLayerOptions } from './pool.ts';
export {
  type NormOf,
  type PreActivationOptions,
  type PreActivationSpec,
  preActivationBlock,
} from './preActivation.ts';
export * from './recurrent/index.ts';
export { type ResidualSpec, residual } from './residual.ts';
export { type RunningNormOptions, type RunningNormSpec, runningNorm } from './runningNorm.ts';
export { type Layers, type SpecsOf, sequential } from './sequential.ts';
export { type SirenOptions, siren } from './siren.ts';
export { type SqueezeExciteSpec, squeezeExcite } from './squeezeExcite.ts';
export { type TransformerOptions, type TransformerSpec, transformerBlock } from './transformer.ts';
export { type VisionTransformerOptions, type VisionTransformerSpec, visionTransformer } from './visionTransformer.ts';
export { type WideResNetOptions, type WideResNetSpec, wideResNet } from './wideResNet.ts';
