import * as z from 'zod';
import { InputError } from '../errors.ts';
import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap, Vector } from '../graph/values.ts';
import { channelCount, parseConfig, supported } from './config.ts';
import { middle, timeEmbedding, timeInputs, type Way, wayDown } from './unet-blocks.ts';
import { parseUNetConfig, type UNetConfig } from './unet-config.ts';

/** Input with what each residual of each ControlNet is multiplied by, for each image of the batch: [B, residuals]. */
export const CONTROL_SCALES = 'control_scales';

/** Input with the sample without planes that only the U-Net sees. */
export const CONTROL_SAMPLE = 'control_sample';

/** Input with the encoded control image of a ControlNet. */
export const hintName = (k: number) => `hint.${k}`;

/** Fields that a U-Net lacks. */
const schema = z.looseObject({
  _class_name: supported(['ControlNetModel']).default('ControlNetModel'),
  conditioning_channels: supported([3]).default(3),
  conditioning_embedding_out_channels: z.array(channelCount).min(1).max(8).default([16, 32, 96, 256]),
  controlnet_conditioning_channel_order: supported(['rgb', 'bgr']).default('rgb'),
  global_pool_conditions: supported([false]).default(false),
  down_block_types: z.array(z.string()).max(8).optional(),
});

export interface ControlNetConfig {
  /** Config of the copied half of the U-Net, its way down. */
  unet: UNetConfig;
  /** Channels of the hint's encoder, from the finest. */
  hintChannels: readonly number[];
  /** Whether the control image's channels are blue, green, red. */
  isBgr: boolean;
}

/** Reads the config of diffusers' ControlNetModel; `origin` names it in errors. */
export function parseControlNetConfig(json: unknown, origin: string): ControlNetConfig {
  const own = parseConfig(schema, json, origin);
  const up = own.down_block_types?.map((name) => name.replace('Down', 'Up')).reverse();
  // The same fields with the same meaning; it has no way up.
  const unet = parseUNetConfig(
    { ...own, _class_name: 'UNet2DConditionModel', ...(up && { up_block_types: up }) },
    origin,
  );
  return {
    unet,
    hintChannels: own.conditioning_embedding_out_channels,
    isBgr: own.controlnet_conditioning_channel_order === 'bgr',
  };
}

/** @throws InputError unless a ControlNet is a copy of this U-Net's way down */
export function checkControlFits(control: UNetConfig, base: UNetConfig, origin: string): void {
  const shape = ({ down, mid, timeChannels, addition_embed_type }: UNetConfig) =>
    JSON.stringify([down, mid, timeChannels, addition_embed_type]);
  if (shape(control) !== shape(base))
    throw new InputError(
      `${origin}: this ControlNet is made for another family of models: it has ${describe(control)}, and the model has ${describe(base)}.`,
      { setting: 'model' },
    );
}

function describe({ down }: UNetConfig): string {
  return `${down.length} levels of ${down.map(({ channels }) => channels).join(', ')} channels and a text of ${down[0]!.crossChannels} numbers a token`;
}

/**
 * The encoder of the control image: `image` [1, 3, 8h, 8w] in 0 … 1 → `hint` [1, C, h, w]. It does not depend on the
 * step.
 */
export function hintEncoder({ unet, hintChannels }: ControlNetConfig): Network {
  const net = new NetworkBuilder();
  const path = 'controlnet_cond_embedding';
  const layer = (name: string, x: FeatureMap, channels: number, stride: 1 | 2 = 1) =>
    net.activation(net.convolution(`${path}.${name}`, x, channels, { stride }), 'silu');
  let x = layer('conv_in', net.inputMap('image', 3, 0), hintChannels[0]!);
  for (const [i, channels] of hintChannels.slice(1).entries()) {
    x = layer(`blocks.${2 * i}`, x, x.channels);
    x = layer(`blocks.${2 * i + 1}`, x, channels, 2);
  }
  net.output('hint', net.convolution(`${path}.conv_out`, x, unet.down[0]!.channels));
  return net.build('hint-encoder');
}

/**
 * The inputs of all ControlNets of a U-Net: `hint.<k>` [1, C, H, W] of each, and `control_scales` [B or 1, residuals];
 * where the U-Net sees further planes, `control_sample` [B, C, H, W] without them.
 */
export function controlInputs(
  net: NetworkBuilder,
  controls: readonly UNetConfig[],
  channels: number,
): { hints: FeatureMap[]; scales: Vector; sample: FeatureMap | undefined } {
  const own = controls[0]!.in_channels;
  const total = controls.reduce((sum, config) => sum + residualCount(config), 0);
  return {
    scales: net.inputVector(CONTROL_SCALES, total),
    sample: own === channels ? undefined : net.inputMap(CONTROL_SAMPLE, own, 0),
    hints: controls.map(({ down }, k) => net.inputMap(hintName(k), down[0]!.channels, 0)),
  };
}

/** How many maps a ControlNet gives: one for each skip connection, and one for the middle. */
function residualCount({ down }: UNetConfig): number {
  return 1 + down.reduce((sum, { resnets }) => sum + resnets, 0) + (down.length - 1) + 1;
}

/**
 * What a ControlNet adds to the skip connections and to the middle, in this order, before it is scaled: a copy of the
 * U-Net's way down over the sample and the hint (Zhang et al. 2023; diffusers' ControlNetModel).
 */
export function controlResiduals(way: Way, sample: FeatureMap, hint: FeatureMap): FeatureMap[] {
  const { net, config, path } = way;
  const channels = config.down[0]!.channels;
  const x = net.convolutionOrLinear(`${path}conv_in`, sample, channels, config.conv_in_kernel);
  const down = wayDown(way, net.sum(x, hint));
  const zero = (name: string, map: FeatureMap) =>
    net.linear(`${path}${name}`, map, map.channels, { conv: true });
  const skips = down.skips.map((skip, i) => zero(`controlnet_down_blocks.${i}`, skip));
  return [...skips, zero('controlnet_mid_block', middle(way, down.x))];
}

/**
 * Factors of a ControlNet's residuals, before its strength. In guess mode those of coarser levels count more, and the
 * negative prompt's branch gets none (diffusers).
 */
export function controlFactors(count: number, guess: boolean): number[] {
  return Array.from({ length: count }, (_, i) => (guess ? 10 ** (-1 + i / (count - 1)) : 1));
}

/** A ControlNet by itself, unscaled: the U-Net's inputs and `hint.0` → `down.<i>` and `mid`. For comparisons. */
export function controlNet(config: UNetConfig): Network {
  const net = new NetworkBuilder();
  const sample = net.inputMap('sample', config.in_channels, 0);
  const inputs = timeInputs(net, config);
  const text = net.inputTokens('encoder_hidden_states', config.down[0]!.crossChannels);
  const hint = net.inputMap(hintName(0), config.down[0]!.channels, 0);
  const way: Way = { net, config, path: '', text, time: timeEmbedding(net, config, inputs, '') };
  const residuals = controlResiduals(way, sample, hint);
  for (const [i, map] of residuals.entries()) net.output(i < residuals.length - 1 ? `down.${i}` : 'mid', map);
  return net.build('controlnet');
}
