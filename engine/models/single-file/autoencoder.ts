import { renamed, type Tensors } from '../../weights/views.ts';
import { countOf, oneIfEqual, sizeOf } from './counting.ts';

/** Parts by the names of Stability's code. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/\.mid\.block_1\./, '.mid_block.resnets.0.'],
  [/\.mid\.block_2\./, '.mid_block.resnets.1.'],
  [/\.mid\.attn_1\.norm\./, '.mid_block.attentions.0.group_norm.'],
  [/\.mid\.attn_1\.(q|k|v)\./, '.mid_block.attentions.0.to_$1.'],
  [/\.mid\.attn_1\.proj_out\./, '.mid_block.attentions.0.to_out.0.'],
  [/\.downsample\.conv\./, '.downsamplers.0.conv.'],
  [/\.upsample\.conv\./, '.upsamplers.0.conv.'],
  [/\.nin_shortcut\./, '.conv_shortcut.'],
  [/\.block\.(\d+)\./, '.resnets.$1.'],
  [/\.norm_out\./, '.conv_norm_out.'],
];

/** Whether these are an autoencoder's tensors by the names of Stability's code. */
export function isOriginalAutoencoder(tensors: Tensors): boolean {
  return tensors.has('decoder.conv_in.weight') && tensors.has('decoder.mid.block_1.conv1.weight');
}

/** Whether these are an autoencoder's tensors by diffusers' names. */
export function isAutoencoder(tensors: Tensors): boolean {
  return tensors.has('decoder.conv_in.weight') && tensors.has('decoder.mid_block.resnets.0.conv1.weight');
}

/** An autoencoder's tensors by diffusers' names, from those of Stability's code, which count the decoder's levels from the finest. */
export function fromOriginalAutoencoder(tensors: Tensors) {
  const levels = countOf((level) => tensors.has(`decoder.up.${level}.block.0.conv1.weight`));
  return renamed(tensors, (name) => {
    if (!/^(?:encoder|decoder|quant_conv|post_quant_conv)\./.test(name)) return undefined;
    let result = name;
    for (const [pattern, replacement] of PARTS) result = result.replace(pattern, replacement);
    return result
      .replace(/^encoder\.down\.(\d+)\./, 'encoder.down_blocks.$1.')
      .replace(
        /^decoder\.up\.(\d+)\./,
        (_, level: string) => `decoder.up_blocks.${levels - 1 - Number(level)}.`,
      );
  });
}

/** The config of an autoencoder (diffusers' AutoencoderKL) from the names and shapes of its tensors. */
export function autoencoderConfigOf(tensors: Tensors, scalingFactor: number): Record<string, unknown> {
  const block = (b: number) => `decoder.up_blocks.${b}`;
  const levels = countOf((b) => tensors.has(`${block(b)}.resnets.0.conv1.weight`));
  const blocks = Array.from({ length: levels }, (_, b) => b);
  const resnets = blocks.map((b) => countOf((l) => tensors.has(`${block(b)}.resnets.${l}.conv1.weight`)));
  return {
    _class_name: 'AutoencoderKL',
    block_out_channels: blocks.map((b) => sizeOf(tensors, `${block(b)}.resnets.0.conv1.weight`, 0)).reverse(),
    layers_per_block: oneIfEqual(resnets.map((count) => count - 1)),
    latent_channels: sizeOf(tensors, 'decoder.conv_in.weight', 1),
    in_channels: sizeOf(tensors, 'encoder.conv_in.weight', 1) || 3,
    out_channels: sizeOf(tensors, 'decoder.conv_out.weight', 0),
    mid_block_add_attention: tensors.has('decoder.mid_block.attentions.0.group_norm.weight'),
    use_quant_conv: tensors.has('quant_conv.weight'),
    use_post_quant_conv: tensors.has('post_quant_conv.weight'),
    scaling_factor: scalingFactor,
  };
}
