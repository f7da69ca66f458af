import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import { resnet } from './blocks.ts';
import { controlInputs, controlResiduals } from './controlnet.ts';
import { referring } from './ip-adapter.ts';
import { dividing } from './region-prompts.ts';
import { featureAt } from './t2i-adapter.ts';
import { attended, centred, middle, timeEmbedding, timeInputs, type Way, wayDown } from './unet-blocks.ts';
import type { UNetConfig } from './unet-config.ts';

/** What steers a U-Net beside text and vectors. Weights of a ControlNet are named `controls.<k>.…`. */
export interface Steering {
  /** ControlNets, of the U-Net's own shape. */
  controls?: readonly UNetConfig[];
  /** Number of feature maps of T2I-Adapters. */
  features?: number;
  /** Groups of pictures that are attended to beside the text (IP-Adapter), each with a mask of its own or none. */
  references?: readonly { masked: boolean }[];
  /** Number of prompts for regions. */
  regions?: number;
}

/**
 * The denoiser of Stable Diffusion: diffusers' UNet2DConditionModel.
 *
 * Inputs: `sample` [B, in, H, W] · `timestep` [1 or B, 1] · `encoder_hidden_states` [B, L, cross]; by config also
 * `timestep_cond` [B, c] (guidance embedding), `text_embeds` [B, e] and `time_ids` [B, 6] (SDXL); with ControlNets and
 * T2I-Adapters those of `controlInputs` and `featureAt`, with pictures as prompts those of `referring`, with prompts for
 * regions those of `dividing`.
 * Output: `out` [B, out, H, W].
 */
export function unet(
  config: UNetConfig,
  { controls = [], features = 0, references = [], regions = 0 }: Steering = {},
): Network {
  const net = new NetworkBuilder();
  const sample = net.inputMap('sample', config.in_channels, 0);
  const inputs = timeInputs(net, config);
  const text = net.inputTokens('encoder_hidden_states', config.down[0]!.crossChannels);
  const steered = controls.length > 0 ? controlInputs(net, controls, config.in_channels) : undefined;
  const way: Way = { net, config, path: '', text, time: timeEmbedding(net, config, inputs, '') };

  const x = net.convolutionOrLinear(
    'conv_in',
    centred(way, sample),
    config.down[0]!.channels,
    config.conv_in_kernel,
  );
  const feature = featureAt(net, config, features);
  const refer = referring(net, config, references);
  const divide = dividing(net, config, regions);
  const down = wayDown({ ...way, ...divide, ...refer?.('down') }, x, feature);
  const residuals = steered?.hints.map((hint, k) => {
    const path = `controls.${k}.`;
    const own: Way = {
      ...way,
      config: controls[k]!,
      path,
      time: timeEmbedding(net, controls[k]!, inputs, path),
    };
    return controlResiduals(own, steered.sample ?? sample, hint);
  });
  const scaled = (map: FeatureMap, place: number): FeatureMap => {
    let sum = map;
    let index = place;
    for (const own of residuals ?? []) {
      sum = net.sum(sum, net.scaled(own[place]!, steered!.scales, index));
      index += own.length;
    }
    return sum;
  };
  const skips = down.skips.map(scaled);
  let y = middle({ ...way, ...divide, ...refer?.('middle') }, down.x);
  const atMiddle = feature('middle');
  if (atMiddle) y = net.sum(y, atMiddle);
  y = scaled(y, skips.length);
  y = wayUp({ ...way, ...divide, ...refer?.('up') }, y, skips);
  const norm = { groups: config.norm_num_groups, epsilon: config.norm_eps };
  y = net.groupNorm('conv_norm_out', y, { ...norm, activation: 'silu' });
  net.output('out', net.convolutionOrLinear('conv_out', y, config.out_channels, config.conv_out_kernel));
  return net.build('unet');
}

function wayUp(way: Way, input: FeatureMap, skips: readonly FeatureMap[]): FeatureMap {
  const { net, config, time } = way;
  const norm = { groups: config.norm_num_groups, epsilon: config.norm_eps };
  const rest = [...skips];
  let x = input;
  for (const [i, block] of config.up.entries()) {
    const path = `up_blocks.${i}`;
    for (let j = 0; j < block.resnets; j++) {
      x = resnet(net, `${path}.resnets.${j}`, net.concat([x, rest.pop()!]), block.channels, norm, time);
      x = attended(way, path, j, x, block);
    }
    if (i < config.up.length - 1)
      x = net.convolution(`${path}.upsamplers.0.conv`, x, block.channels, { upsample: true });
  }
  return x;
}
