export { type OnnxOptions, toOnnx } from './onnx.ts';
export { optimize } from './passes/optimize.ts';
export { toPortableOnnx } from './portable.ts';
export { encodeProbe } from './probe.ts';
