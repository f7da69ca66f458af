import { type Network, NetworkBuilder } from '../graph/network.ts';
import type { FeatureMap } from '../graph/values.ts';
import type { AutoencoderDcConfig, DcLevel } from './autoencoder-dc-config.ts';
import { gatedConvolution } from './gated-convolution.ts';

/**
 * DC-AE, the deep compression autoencoder (Chen et al. 2025, arXiv:2410.10733): diffusers' AutoencoderDC. Residual blocks
 * at fine levels, EfficientViT blocks with linear attention at coarse ones, and shortcuts without weights wherever the
 * resolution changes. Norms work on the channels of one position, so that only attention sees the whole picture.
 */

const EPSILON = 1e-5;

/** `image` [B, 3, H, W] in [−1, 1] → `latent` [B, latent, H/2ⁿ, W/2ⁿ]. */
export function autoencoderDcEncoder(config: AutoencoderDcConfig): Network {
  const net = new NetworkBuilder();
  const levels = config.encoder;
  const image = net.inputMap('image', config.pictureChannels, 0);
  const first = levels[0]!.layers > 0;
  let x = first
    ? net.convolution('encoder.conv_in', image, levels[0]!.channels)
    : downsampled(net, 'encoder.conv_in', image, levels[1]!.channels, config);
  for (const [i, level] of levels.entries()) {
    const path = `encoder.down_blocks.${i}`;
    for (let j = 0; j < level.layers; j++) x = block(net, `${path}.${j}`, x, level, config);
    const next = levels[i + 1];
    if (!next || level.layers === 0) continue;
    const down = downsampled(net, `${path}.${level.layers}`, x, next.channels, config);
    x = net.sum(down, net.pixelUnshuffle(x, next.channels));
  }
  const out = net.convolution('encoder.conv_out', x, config.latentChannels);
  net.output(
    'latent',
    config.encoderShortcut ? net.sum(out, net.channelMean(x, config.latentChannels)) : out,
  );
  return net.build('vae-encoder');
}

/** `latent` [B, latent, h, w], divided by the scaling factor → `image` [B, 3, 2ⁿh, 2ⁿw] in about [−1, 1]. */
export function autoencoderDcDecoder(config: AutoencoderDcConfig): Network {
  const net = new NetworkBuilder();
  const levels = config.decoder;
  const coarsest = levels.length - 1;
  const latent = net.inputMap('latent', config.latentChannels, coarsest);
  const { channels } = levels[coarsest]!;
  let x = net.convolution('decoder.conv_in', latent, channels);
  if (config.decoderShortcut) x = net.sum(x, net.channelRepeat(latent, channels));
  for (const [i, level] of [...levels.entries()].reverse()) {
    if (level.layers === 0) continue;
    const path = `decoder.up_blocks.${i}`;
    const sampled = i < coarsest ? 1 : 0;
    if (sampled) {
      const up = upsampled(net, `${path}.0`, x, level.channels, config);
      x = net.sum(up, net.pixelShuffle(net.channelRepeat(x, 4 * level.channels)));
    }
    for (let j = 0; j < level.layers; j++) x = block(net, `${path}.${sampled + j}`, x, level, config);
  }
  x = net.rmsNorm('decoder.norm_out', x, EPSILON, { bias: true });
  x = net.activation(x, config.lastActivation);
  net.output(
    'image',
    levels[0]!.layers > 0
      ? net.convolution('decoder.conv_out', x, config.pictureChannels)
      : upsampled(net, 'decoder.conv_out', x, config.pictureChannels, config),
  );
  return net.build('vae-decoder');
}

/** DCDownBlock2d without its shortcut. */
function downsampled(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  channels: number,
  { unshuffles }: AutoencoderDcConfig,
): FeatureMap {
  if (!unshuffles) return net.convolution(`${path}.conv`, input, channels, { stride: 2 });
  return net.pixelUnshuffle(net.convolution(`${path}.conv`, input, channels / 4));
}

/** DCUpBlock2d without its shortcut. */
function upsampled(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  channels: number,
  { shuffles }: AutoencoderDcConfig,
): FeatureMap {
  if (!shuffles) return net.convolution(`${path}.conv`, input, channels, { upsample: true });
  return net.pixelShuffle(net.convolution(`${path}.conv`, input, 4 * channels));
}

function block(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  level: DcLevel,
  { headChannels }: AutoencoderDcConfig,
): FeatureMap {
  if (level.block === 'ResBlock') return residualBlock(net, path, input, level);
  const attended = attention(net, `${path}.attn`, input, level, headChannels);
  const gated = gatedConvolution(net, `${path}.conv_out`, attended, 4 * input.channels);
  return net.sum(net.rmsNorm(`${path}.conv_out.norm`, gated, EPSILON, { bias: true }), attended);
}

function residualBlock(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  { channels, norm, activation }: DcLevel,
): FeatureMap {
  const hidden = net.activation(net.convolution(`${path}.conv1`, input, channels), activation);
  const batch = norm === 'batch_norm' && { norm: { path: `${path}.norm`, epsilon: EPSILON } };
  const y = net.convolution(`${path}.conv2`, hidden, channels, { bias: false, ...batch });
  return net.sum(batch ? y : net.rmsNorm(`${path}.norm`, y, EPSILON, { bias: true }), input);
}

/** SanaMultiscaleLinearAttention: further heads whose q, k and v are gathered over windows (Cai et al. 2023). */
function attention(
  net: NetworkBuilder,
  path: string,
  input: FeatureMap,
  { channels, scales }: DcLevel,
  headChannels: number,
): FeatureMap {
  const [query, key, value] = ['to_q', 'to_k', 'to_v'].map((name) =>
    net.linear(`${path}.${name}`, input, channels, { bias: false }),
  );
  const qkv = net.concat([query!, key!, value!]);
  const gathered = scales.map((kernel, i) => {
    const here = `${path}.to_qkv_multiscale.${i}`;
    const total = 3 * channels;
    const window = net.convolution(`${here}.proj_in`, qkv, total, { kernel, groups: total, bias: false });
    const groups = total / headChannels;
    return net.convolution(`${here}.proj_out`, window, total, { kernel: 1, groups, bias: false });
  });
  const all = gathered.length > 0 ? net.concat([qkv, ...gathered]) : qkv;
  const seen = net.linearAttention(path, all, headChannels);
  const out = net.linear(`${path}.to_out`, seen, channels, { bias: false });
  return net.sum(net.rmsNorm(`${path}.norm_out`, out, EPSILON, { bias: true }), input);
}
