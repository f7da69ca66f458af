/** Networks that LoRA files change, by the names of their parts. */
export type LoraPart = 'unet' | 'text-encoder' | 'text-encoder-2';

/** Which network a module of a LoRA file belongs to, and its path there with underscores for dots. */
export interface LoraTarget {
  part: LoraPart;
  path: string;
}

const PREFIXES: readonly (readonly [string, LoraPart])[] = [
  // diffusers
  ['unet.', 'unet'],
  ['text_encoder_2.', 'text-encoder-2'],
  ['text_encoder.', 'text-encoder'],
  ['base_model.model.', 'unet'],
  // kohya's sd-scripts
  ['lora_unet_', 'unet'],
  ['lora_te2_', 'text-encoder-2'],
  ['lora_te1_', 'text-encoder'],
  ['lora_te_', 'text-encoder'],
];

/** What diffusers before 0.22 called the parts of an attention. */
const PROCESSORS: readonly (readonly [RegExp, string])[] = [
  [/\.processor\.to_(q|k|v)_lora$/, '.to_$1'],
  [/\.processor\.to_out_lora$/, '.to_out.0'],
  [/\.self_attn\.to_(q|k|v)_lora$/, '.self_attn.$1_proj'],
  [/\.self_attn\.to_out_lora$/, '.self_attn.out_proj'],
];

/** The target of a module by its key, or undefined for a key of a style that is not known. */
export function loraTarget(key: string): LoraTarget | undefined {
  const found = PREFIXES.find(([prefix]) => key.startsWith(prefix));
  if (!found) return undefined;
  const [prefix, part] = found;
  let path = key.slice(prefix.length);
  for (const [pattern, replacement] of PROCESSORS) path = path.replace(pattern, replacement);
  path = path.replaceAll('.', '_');
  return { part, path: part === 'unet' ? fromOriginal(path) : path };
}

/** Modules of a residual block by Stability's names. */
const RESNET: Readonly<Record<string, string>> = {
  in_layers_2: 'conv1',
  emb_layers_1: 'time_emb_proj',
  out_layers_3: 'conv2',
  skip_connection: 'conv_shortcut',
};

/** The embeddings' and outer layers' other names. */
const OUTER: Readonly<Record<string, string>> = {
  time_embed_0: 'time_embedding_linear_1',
  time_embed_2: 'time_embedding_linear_2',
  label_emb_0_0: 'add_embedding_linear_1',
  label_emb_0_2: 'add_embedding_linear_2',
  input_blocks_0_0: 'conv_in',
  out_2: 'conv_out',
};

/**
 * A path of Stability's own code, which SDXL's LoRA files use, as diffusers names it: `input_blocks_4_1_…` is
 * `down_blocks_1_attentions_0_…`. Blocks count layers and resamplings; all published U-Nets have two layers a block.
 */
function fromOriginal(path: string): string {
  if (Object.hasOwn(OUTER, path)) return OUTER[path]!;
  const middle = /^middle_block_([012])_(.+)$/.exec(path);
  if (middle) {
    const [, place, rest] = middle;
    return place === '1'
      ? `mid_block_attentions_0_${rest}`
      : `mid_block_resnets_${Number(place) / 2}_${resnet(rest!)}`;
  }
  const outer = /^(input|output)_blocks_(\d+)_([012])_(.+)$/.exec(path);
  if (!outer) return path;
  const [, side, number, place, rest] = outer;
  const index = side === 'input' ? Number(number) - 1 : Number(number);
  const block = `${side === 'input' ? 'down' : 'up'}_blocks_${Math.floor(index / 3)}`;
  const layer = index % 3;
  if (rest === 'op') return `${block}_downsamplers_0_conv`;
  if (rest === 'conv') return `${block}_upsamplers_0_conv`;
  return place === '0'
    ? `${block}_resnets_${layer}_${resnet(rest!)}`
    : `${block}_attentions_${layer}_${rest}`;
}

function resnet(rest: string): string {
  return Object.hasOwn(RESNET, rest) ? RESNET[rest]! : rest;
}
