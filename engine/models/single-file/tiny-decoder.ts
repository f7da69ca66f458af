import type { StoredTensor, WeightSource } from '../../weights/source.ts';
import { below, renamed, type Tensors } from '../../weights/views.ts';
import { countOf, sizeOf } from './counting.ts';

/** Where a file has the decoder, if not by itself. */
const PREFIXES = ['', 'decoder.', 'taesd_decoder.'];

/**
 * A tiny decoder in a file by the names of its own code, which number the layers of a sequence (TAESD and `taesana`,
 * madebyollin/taesd): its tensors by diffusers' names, where the clamp before the first convolution has no number.
 */
export function tinyDecoderIn(source: WeightSource): Map<string, StoredTensor> | undefined {
  for (const prefix of PREFIXES) {
    const tensors = below(source, prefix);
    if (!tensors.has('1.weight') || !tensors.has('3.conv.0.weight')) continue;
    return renamed(tensors, (name) => {
      const [, layer, rest] = /^(\d{1,3})\.(.+)$/.exec(name) ?? [];
      return layer === undefined ? undefined : `decoder.layers.${Number(layer) - 1}.${rest}`;
    });
  }
  return undefined;
}

/** Layers of the first block, behind the first convolution and its activation. */
const FIRST_BLOCK = 2;

/**
 * The decoder's config (diffusers' AutoencoderTiny) from the names and shapes of its tensors.
 * @param scalingFactor of the model's own autoencoder: latents come divided by it, and the decoder takes them as the
 * denoiser has them
 */
export function tinyDecoderConfigOf(tensors: Tensors, scalingFactor: number): Record<string, unknown> {
  const name = (layer: number, rest = 'weight') => `decoder.layers.${layer}.${rest}`;
  const [blocks, widths]: [number[], number[]] = [[], []];
  let layer = FIRST_BLOCK;
  // The last convolution follows its blocks at once; others follow an upsampling, which has no weights.
  do {
    const from = layer;
    const count = countOf((i) => tensors.has(name(from + i, 'conv.0.weight')));
    blocks.push(count);
    widths.push(sizeOf(tensors, name(from, 'conv.0.weight'), 0));
    layer = from + count + 2;
  } while (tensors.has(name(layer - 1)) && tensors.has(name(layer, 'conv.0.weight')) && blocks.length < 8);
  return {
    _class_name: 'AutoencoderTiny',
    latent_channels: sizeOf(tensors, name(0), 1),
    num_decoder_blocks: blocks,
    decoder_block_out_channels: widths,
    out_channels: sizeOf(tensors, name(layer - 2), 0),
    scaling_factor: scalingFactor,
    latent_scale: scalingFactor,
  };
}
