import { type ConvLayerOptions, type ConvSpec, conv2d } from './conv.ts';
import type { Module } from './module.ts';
import { whole } from './options.ts';

/** Options of {@link depthwiseConv2d}: those of a convolution, whose channels come out `multiplier` times as many. */
export interface DepthwiseOptions extends Omit<ConvLayerOptions, 'in' | 'out' | 'groups'> {
  readonly channels: number;
  /** Kernels for each channel. Default 1. */
  readonly multiplier?: number;
}

/**
 * A convolution that keeps channels apart: [channels, H, W] to [channels * multiplier, H', W'], each channel by
 * kernels of its own (Howard et al. 2017, section 3.1). Weight [channels * multiplier, 1, ...kernel].
 * @throws ArgumentError for sizes below 1; when applied, ShapeError for other channels
 * @example
 * const spatial = nn.depthwiseConv2d({ channels: 16, kernel: 3, padding: 'same' });
 * const separable = nn.sequential([spatial, nn.conv2d({ in: 16, out: 32, kernel: 1 })]);
 */
export const depthwiseConv2d = ({ channels, multiplier = 1, ...options }: DepthwiseOptions): Module<ConvSpec> => ({
  ...conv2d({
    ...options,
    in: whole('depthwiseConv2d', 'channels', channels),
    out: channels * whole('depthwiseConv2d', 'multiplier', multiplier),
    groups: channels,
  }),
  name: 'depthwiseConv2d',
});
