import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap, Vector } from '../graph/values.ts';
import { resnet, transformer } from './blocks.ts';
import type { UNetBlock, UNetConfig } from './unet-config.ts';

/**
 * The denoiser of Stable Diffusion: diffusers' UNet2DConditionModel.
 *
 * Inputs: `sample` [B, in, H, W] · `timestep` [1 or B, 1] · `encoder_hidden_states` [B, L, cross]; by config also
 * `timestep_cond` [B, c] (guidance embedding), `text_embeds` [B, e] and `time_ids` [B, 6] (SDXL).
 * Output: `out` [B, out, H, W].
 */
export function unet(config: UNetConfig): Network {
  const net = new NetworkBuilder();
  const norm = { groups: config.norm_num_groups, epsilon: config.norm_eps };
  let x = net.inputMap('sample', config.in_channels, 0);
  const timestep = net.inputVector('timestep', 1);
  const text = net.inputTokens('encoder_hidden_states', config.down[0]!.crossChannels);
  const time = timeEmbedding(net, config, timestep);

  const attended = (path: string, index: number, input: FeatureMap, block: UNetBlock): FeatureMap => {
    const layers = block.transformers[index];
    if (!layers) return input;
    return transformer(net, `${path}.attentions.${index}`, input, text, {
      layers,
      heads: block.heads,
      groups: norm.groups,
      linearProjection: config.use_linear_projection,
      onlyCross: block.onlyCross,
    });
  };
  const outer = (path: string, input: FeatureMap, channels: number, kernel: number): FeatureMap =>
    kernel === 1
      ? net.linear(path, input, channels, { conv: true })
      : net.convolution(path, input, channels, { kernel });

  if (config.center_input_sample) x = net.affine(x, 2, -1);
  x = outer('conv_in', x, config.down[0]!.channels, config.conv_in_kernel);
  const skips = [x];
  for (const [i, block] of config.down.entries()) {
    const path = `down_blocks.${i}`;
    for (let j = 0; j < block.resnets; j++) {
      x = resnet(net, `${path}.resnets.${j}`, x, block.channels, norm, time);
      x = attended(path, j, x, block);
      skips.push(x);
    }
    if (i === config.down.length - 1) continue;
    const padding = config.downsample_padding === 0 ? 'end' : 'same';
    x = net.convolution(`${path}.downsamplers.0.conv`, x, block.channels, { stride: 2, padding });
    skips.push(x);
  }
  if (config.mid) {
    x = resnet(net, 'mid_block.resnets.0', x, config.mid.channels, norm, time);
    x = attended('mid_block', 0, x, config.mid);
    if (config.mid_block_type === 'UNetMidBlock2DCrossAttn')
      x = resnet(net, 'mid_block.resnets.1', x, config.mid.channels, norm, time);
  }
  for (const [i, block] of config.up.entries()) {
    const path = `up_blocks.${i}`;
    for (let j = 0; j < block.resnets; j++) {
      x = resnet(net, `${path}.resnets.${j}`, net.concat([x, skips.pop()!]), block.channels, norm, time);
      x = attended(path, j, x, block);
    }
    if (i < config.up.length - 1)
      x = net.convolution(`${path}.upsamplers.0.conv`, x, block.channels, { upsample: true });
  }
  x = net.groupNorm('conv_norm_out', x, { ...norm, activation: 'silu' });
  net.output('out', outer('conv_out', x, config.out_channels, config.conv_out_kernel));
  return net.build('unet');
}

/** Time embedding with the guidance embedding and SDXL's text and size conditions, activated for the resnets. */
function timeEmbedding(net: NetworkBuilder, config: UNetConfig, timestep: Vector): Vector {
  const sinusoid = { flip: config.flip_sin_to_cos, shift: config.freq_shift };
  const channels = config.timeChannels;
  const perceptron = (path: string, input: Vector): Vector => {
    const hidden = net.activation(net.linear(`${path}.linear_1`, input, channels), 'silu');
    return net.linear(`${path}.linear_2`, hidden, channels);
  };
  let x = net.sinusoid(timestep, config.down[0]!.channels, sinusoid);
  if (config.time_cond_proj_dim) {
    const condition = net.inputVector('timestep_cond', config.time_cond_proj_dim);
    x = net.sum(net.linear('time_embedding.cond_proj', condition, x.channels, { bias: false }), x);
  }
  x = perceptron('time_embedding', x);
  if (config.addition_embed_type === 'text_time') {
    const perId = config.addition_time_embed_dim!;
    const pooled = net.inputVector('text_embeds', config.projection_class_embeddings_input_dim! - 6 * perId);
    const ids = net.sinusoid(net.inputVector('time_ids', 6), perId, sinusoid);
    x = net.sum(perceptron('add_embedding', net.concat([pooled, ids])), x);
  }
  return net.activation(x, 'silu');
}
