import * as z from 'zod';
import { InputError } from '../errors.ts';
import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import { channelCount, parseConfig, smallCount, supported } from './config.ts';
import { folded } from './folding.ts';
import type { Feature } from './unet-blocks.ts';
import type { UNetConfig } from './unet-config.ts';

/** `config.json` of diffusers' T2IAdapter. */
const schema = z.object({
  _class_name: supported(['T2IAdapter']).default('T2IAdapter'),
  adapter_type: supported(['full_adapter', 'full_adapter_xl']).default('full_adapter'),
  in_channels: supported([1, 3]).default(3),
  channels: z.array(channelCount).min(1).max(8).default([320, 640, 1280, 1280]),
  num_res_blocks: smallCount.default(2),
  downscale_factor: supported([8, 16]).default(8),
});

export type T2IAdapterConfig = z.output<typeof schema>;

export function parseT2IAdapterConfig(json: unknown, origin: string): T2IAdapterConfig {
  return parseConfig(schema, json, origin);
}

/** Input with the sum of the adapters' features number i. */
export const featureName = (i: number) => `feature.${i}`;

/**
 * The adapter (Mou et al. 2023): `image` [1, 3 · f², h, w], its f × f pixels as channels → `feature.<i>`. It does not
 * depend on the step.
 */
export function t2iAdapter(config: T2IAdapterConfig): Network {
  const net = new NetworkBuilder();
  const { channels, in_channels, downscale_factor: factor } = config;
  const isXl = config.adapter_type === 'full_adapter_xl';
  let x = net.inputMap('image', in_channels * factor ** 2, 0);
  x = net.convolution('adapter.conv_in', x, channels[0]!);
  for (const [i, width] of channels.entries()) {
    const path = `adapter.body.${i}`;
    if (isXl ? i === 2 : i > 0) x = net.averagePool(x);
    if (x.channels !== width) x = net.linear(`${path}.in_conv`, x, width, { conv: true });
    for (let j = 0; j < config.num_res_blocks; j++) {
      const block = `${path}.resnets.${j}`;
      const y = net.activation(net.convolution(`${block}.block1`, x, width), 'relu');
      x = net.sum(net.linear(`${block}.block2`, y, width, { conv: true }), x);
    }
    net.output(featureName(i), x);
  }
  return net.build('t2i-adapter');
}

/** Level and channels of the places where a U-Net takes features, in order; the last may be the middle. */
function placesOf({ down, mid }: UNetConfig): { level: number; channels: number }[] {
  const last = down.length - 1;
  const levels = down.map(({ channels, transformers }, i) => ({
    level: transformers.length > 0 || i === last ? i : i + 1,
    channels,
  }));
  return mid ? [...levels, { level: last, channels: mid.channels }] : levels;
}

/** The U-Net's level of each feature, latents being an eighth of the picture. */
function levelsOf({ adapter_type: type, channels, downscale_factor: factor }: T2IAdapterConfig): number[] {
  const first = factor === 16 ? 1 : 0;
  return channels.map((_, i) => first + (type === 'full_adapter_xl' ? Number(i > 1) : i));
}

/** @throws InputError unless an adapter's features fit this U-Net */
export function checkAdapterFits(config: T2IAdapterConfig, base: UNetConfig, origin: string): void {
  const places = placesOf(base);
  const levels = levelsOf(config);
  const { channels } = config;
  const fits = channels.every((width, i) => places[i]?.channels === width && places[i]?.level === levels[i]);
  if (!fits || channels.length < base.down.length)
    throw new InputError(
      `${origin}: this T2I-Adapter is made for another family of models: its features have ${channels.join(', ')} channels at 1/${levels.map((level) => 8 * 2 ** level).join(', 1/')} of the image's size, and the model takes ${places.map(({ channels: width, level }) => `${width} at 1/${8 * 2 ** level}`).join(', ')}.`,
      { setting: 'model' },
    );
}

/** The inputs for the first `count` features of a U-Net, by the level of the way down that they are added to. */
export function featureAt(net: NetworkBuilder, config: UNetConfig, count: number): Feature {
  const maps: FeatureMap[] = placesOf(config)
    .slice(0, count)
    .map(({ level, channels }, i) => net.inputMap(featureName(i), channels, level));
  return (place) => maps[place === 'middle' ? config.down.length : place];
}

/** Planes [3, H, W] as the adapter's input [C · f², H / f, W / f]: the inverse of a pixel shuffle. */
export function unshuffled(
  planes: Float32Array,
  { in_channels: channels, downscale_factor: factor }: T2IAdapterConfig,
  width: number,
): Float32Array {
  return folded(channels === 1 ? luminance(planes) : planes, channels, width, factor);
}

/** ITU-R BT.601. */
function luminance(planes: Float32Array): Float32Array {
  const size = planes.length / 3;
  const grey = new Float32Array(size);
  for (let i = 0; i < size; i++)
    grey[i] = 0.299 * planes[i]! + 0.587 * planes[size + i]! + 0.114 * planes[2 * size + i]!;
  return grey;
}
