import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { weightsOf } from '../../engine/graph/network.ts';
import { type NetworkRole, networkOf } from '../../engine/models/networks.ts';
import { readFloat32 } from '../../engine/weights/read.ts';
import { syntheticWeights } from '../../engine/weights/synthetic.ts';
import { writeSafetensors } from '../../engine/weights/write.ts';

const L = 2;

/** Small networks of Stable Diffusion 1 that keep what a reader cannot see in shapes: 32 groups, 8 heads, CLIP's vocabulary. */
const CONFIGS = {
  unet: {
    block_out_channels: [32, 64],
    layers_per_block: L,
    down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
    up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
    attention_head_dim: 8,
    cross_attention_dim: 64,
  },
  vae: {
    _class_name: 'AutoencoderKL',
    block_out_channels: [32, 32, 32, 32],
    layers_per_block: 1,
    latent_channels: 4,
  },
  text: {
    hidden_size: 64,
    intermediate_size: 64,
    num_attention_heads: 1,
    num_hidden_layers: 2,
    vocab_size: 49408,
  },
};

const RESNET: Record<string, string> = {
  norm1: 'in_layers.0',
  conv1: 'in_layers.2',
  time_emb_proj: 'emb_layers.1',
  norm2: 'out_layers.0',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
};
const OUTER: Record<string, string> = {
  'time_embedding.linear_1': 'time_embed.0',
  'time_embedding.linear_2': 'time_embed.2',
  conv_in: 'input_blocks.0.0',
  conv_norm_out: 'out.0',
  conv_out: 'out.2',
};

/** The name of Stability's code for a tensor of the U-Net, by diffusers' name. */
function originalUNetName(name: string): string {
  const [, outer, ending] = /^([a-z_]+(?:\.linear_[12])?)\.(weight|bias)$/.exec(name) ?? [];
  if (outer && OUTER[outer]) return `${OUTER[outer]}.${ending}`;
  const inner = (rest: string) => rest.replace(/^[a-z_0-9]+/, (part) => RESNET[part]!);
  const middle = /^mid_block\.(resnets|attentions)\.(\d)\.(.+)$/.exec(name);
  if (middle) {
    const [, kind, i, rest] = middle;
    return kind === 'attentions' ? `middle_block.1.${rest}` : `middle_block.${2 * Number(i)}.${inner(rest!)}`;
  }
  const [, side, block, kind, layer, rest] =
    /^(down|up)_blocks\.(\d)\.(resnets|attentions|downsamplers|upsamplers)\.(\d)\.(.+)$/.exec(name)!;
  const [b, l] = [Number(block), Number(layer)];
  if (kind === 'downsamplers') return `input_blocks.${(b + 1) * (L + 1)}.0.${rest!.replace('conv', 'op')}`;
  const last = CONFIGS.unet.up_block_types[b] === 'CrossAttnUpBlock2D' ? 2 : 1;
  if (kind === 'upsamplers') return `output_blocks.${b * (L + 1) + L}.${last}.${rest}`;
  const place = side === 'down' ? `input_blocks.${1 + b * (L + 1) + l}` : `output_blocks.${b * (L + 1) + l}`;
  return kind === 'resnets' ? `${place}.0.${inner(rest!)}` : `${place}.1.${rest}`;
}

/** The same of the autoencoder. */
function originalAutoencoderName(name: string): string {
  const levels = CONFIGS.vae.block_out_channels.length;
  return name
    .replace(/^encoder\.down_blocks\.(\d)/, 'encoder.down.$1')
    .replace(/^decoder\.up_blocks\.(\d)/, (_, b) => `decoder.up.${levels - 1 - Number(b)}`)
    .replace(/mid_block\.resnets\.(\d)/, (_, i) => `mid.block_${Number(i) + 1}`)
    .replace('mid_block.attentions.0.group_norm', 'mid.attn_1.norm')
    .replace(/mid_block\.attentions\.0\.to_([qkv])/, 'mid.attn_1.$1')
    .replace('mid_block.attentions.0.to_out.0', 'mid.attn_1.proj_out')
    .replace(/resnets\.(\d)/, 'block.$1')
    .replace('downsamplers.0', 'downsample')
    .replace('upsamplers.0', 'upsample')
    .replace('conv_shortcut', 'nin_shortcut')
    .replace('conv_norm_out', 'norm_out');
}

/** In place of the U-Net's fields: what Stable Diffusion 2 is recognized by, and heads of 64 channels. */
const SD2_UNET = { use_linear_projection: true, block_out_channels: [64, 128], attention_head_dim: [1, 2] };

const NETWORKS: readonly [NetworkRole, object, string, (name: string) => string][] = [
  ['denoiser', CONFIGS.unet, 'model.diffusion_model.', originalUNetName],
  ['vae-decoder', CONFIGS.vae, 'first_stage_model.', originalAutoencoderName],
  ['vae-encoder', CONFIGS.vae, 'first_stage_model.', originalAutoencoderName],
  ['text-encoder', CONFIGS.text, 'cond_stage_model.transformer.', (name) => name],
];

interface SingleFileOptions {
  /** Stable Diffusion 2's kind of U-Net. */
  sd2?: boolean;
  /** Changes weights of the U-Net in place; `name` is diffusers' name. */
  change?: (name: string, values: Float32Array, shape: readonly number[]) => void;
}

/** Writes a small checkpoint of Stable Diffusion 1 with random weights into one file, in the names of Stability's code. */
export async function writeSingleFile(
  file: string,
  without: readonly NetworkRole[] = [],
  { sd2 = false, change }: SingleFileOptions = {},
): Promise<void> {
  const scratch = `${file}.parts`;
  await mkdir(path.dirname(file), { recursive: true });
  const tensors = [];
  for (const [part, plain, prefix, rename] of NETWORKS.filter(([name]) => !without.includes(name))) {
    const isUNet = part === 'denoiser';
    const config = isUNet && sd2 ? { ...plain, ...SD2_UNET } : plain;
    const weights = weightsOf(networkOf(part, config, part));
    const source = await syntheticWeights(weights, { seed: 1, folder: scratch });
    for (const { name, shape } of weights) {
      const values = await readFloat32(source.find(name)!);
      if (isUNet) change?.(name, values, shape);
      tensors.push({
        name: prefix + rename(name),
        dtype: 'F32' as const,
        shape,
        chunks: () => [new Uint8Array(values.buffer, values.byteOffset, values.byteLength)],
      });
    }
  }
  await writeSafetensors(file, tensors, { 'modelspec.title': 'toy' });
  await rm(scratch, { recursive: true });
}

/**
 * For `change`: makes a U-Net of Stable Diffusion 2 return what it is given, nearly, as one does that predicts noise
 * and is given only noise. Layers add nothing; the first skip connection leads to the end.
 */
export function returnNoise(name: string, values: Float32Array, shape: readonly number[]): void {
  if (/conv2\.|proj_out\./.test(name)) values.fill(0);
  const [outputs, inputs, side = 1] = shape as [number, number, number?];
  /** Sets the middle of one kernel for each output, and everything else to zero. */
  const select = (inputOf: (output: number) => number) => {
    values.fill(0);
    const taps = side * side;
    for (let output = 0; output < outputs; output++)
      values[(output * inputs + inputOf(output)) * taps + (taps - 1) / 2] = 1;
  };
  // Both channels of a group of the norm come from the same channel of the latent.
  if (name === 'conv_in.weight') select((output) => (output >> 1) % inputs);
  if (name === 'up_blocks.1.resnets.2.conv_shortcut.weight') select((output) => inputs - outputs + output);
  if (name === 'conv_out.weight') select((output) => 2 * output);
  if (name === 'conv_norm_out.weight') values.fill(1);
}
