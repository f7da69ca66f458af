import type { NetworkBuilder } from '../graph/network.ts';
import type { ActivationName } from '../graph/operators.ts';
import type { FeatureMap } from '../graph/values.ts';

/** Settings shared by all blocks of an EfficientViT. */
export interface BlockStyle {
  activation: ActivationName;
  /** Epsilon of batch norm. */
  epsilon: number;
}

interface LayerOptions extends Partial<BlockStyle> {
  kernel?: number;
  stride?: 1 | 2;
  groups?: number;
  bias?: boolean;
}

/** Convolution, batch norm if `epsilon` is given, activation if there is one (ConvLayer). */
export function layer(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  channels: number,
  options: LayerOptions,
): FeatureMap {
  const { kernel = 1, stride = 1, groups = 1, bias = false, activation, epsilon } = options;
  const norm = epsilon === undefined ? {} : { norm: { path: `${path}.norm`, epsilon } };
  const conv = `${path}.conv`;
  const y =
    kernel === 1
      ? net.linear(conv, input, channels, { bias, conv: true, ...norm })
      : net.convolution(conv, input, channels, { kernel, stride, groups, bias, ...norm });
  return activation ? net.activation(y, activation) : y;
}

export interface BlockOptions extends BlockStyle {
  stride?: 1 | 2;
  /** Channels between the layers, as a multiple of the input channels. */
  expand: number;
  /** Batch norm only after the last layer; the other layers have a bias. */
  fewerNorm?: boolean;
}

/** A layer that is not the last of its block. */
function inner({ activation, epsilon, fewerNorm }: BlockOptions): LayerOptions {
  return fewerNorm ? { activation, bias: true } : { activation, epsilon };
}

/** Expand, depthwise 3×3, project: the inverted residual of MobileNetV2 (Sandler et al. 2018). */
export function mbConv(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  channels: number,
  options: BlockOptions,
): FeatureMap {
  const middle = input.channels * options.expand;
  const expanded = layer(net, `${path}.inverted_conv`, input, middle, inner(options));
  const { stride, epsilon } = options;
  const depthwise = { ...inner(options), kernel: 3, groups: middle, ...(stride && { stride }) };
  return layer(
    net,
    `${path}.point_conv`,
    layer(net, `${path}.depth_conv`, expanded, middle, depthwise),
    channels,
    {
      epsilon,
    },
  );
}

/** Depthwise 3×3, project. */
export function dsConv(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  channels: number,
  options: BlockOptions,
): FeatureMap {
  const { stride, epsilon } = options;
  const depthwise = { ...inner(options), kernel: 3, groups: input.channels, ...(stride && { stride }) };
  const spatial = layer(net, `${path}.depth_conv`, input, input.channels, depthwise);
  return layer(net, `${path}.point_conv`, spatial, channels, { epsilon });
}

/** 3×3 to the middle channels, project: expansion and depthwise convolution in one (Tan & Le 2021). */
export function fusedMbConv(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  channels: number,
  options: BlockOptions,
): FeatureMap {
  const { stride, epsilon, expand } = options;
  const spatial = { ...inner(options), kernel: 3, ...(stride && { stride }) };
  const middle = layer(net, `${path}.spatial_conv`, input, input.channels * expand, spatial);
  return layer(net, `${path}.point_conv`, middle, channels, { epsilon });
}

/** Two 3×3 convolutions. */
export function resBlock(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  channels: number,
  options: BlockOptions,
): FeatureMap {
  const { epsilon, expand } = options;
  const middle = layer(net, `${path}.conv1`, input, input.channels * expand, {
    ...inner(options),
    kernel: 3,
  });
  return layer(net, `${path}.conv2`, middle, channels, { kernel: 3, epsilon });
}

interface AttentionOptions extends BlockStyle {
  expand: number;
  /** Channels of q, of k and of v in one head. */
  headChannels: number;
  /** Side of the window over which the second scale gathers q, k and v. */
  scale: 3 | 5;
}

/**
 * EfficientViT's block (Cai et al. 2023): linear attention at two scales, then an MBConv, each with a residual. For the
 * heads of the second scale, q, k and v are aggregated over a window by a depthwise and a grouped 1×1 convolution.
 */
export function attentionBlock(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  options: AttentionOptions,
): FeatureMap {
  const { channels } = input;
  const { headChannels, scale, epsilon, activation, expand } = options;
  const context = `${path}.context_module.main`;
  const total = Math.floor(channels / headChannels) * headChannels;
  const qkv = layer(net, `${context}.qkv`, input, 3 * total, {});
  const gathered = net.convolution(`${context}.aggreg.0.0`, qkv, 3 * total, {
    kernel: scale,
    groups: 3 * total,
    bias: false,
  });
  const mixed = net.convolution(`${context}.aggreg.0.1`, gathered, 3 * total, {
    kernel: 1,
    groups: (3 * total) / headChannels,
    bias: false,
  });
  const seen = net.linearAttention(context, net.concat([qkv, mixed]), headChannels);
  const x = net.sum(layer(net, `${context}.proj`, seen, channels, { epsilon }), input);
  const local = { activation, epsilon, expand, fewerNorm: true };
  return net.sum(mbConv(net, `${path}.local_module.main`, x, channels, local), x);
}
