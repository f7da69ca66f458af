/** Networks that LoRA files change, by the names of their parts. */
type LoraPart = 'denoiser' | 'text-encoder' | 'text-encoder-2';

/** The network that a LoRA module belongs to, and its path there, with underscores for dots. */
interface LoraTarget {
  part: LoraPart;
  path: string;
  /** The paths of weights that the file's model stacks into one. */
  fused?: readonly string[];
}

const PREFIXES: readonly (readonly [RegExp, LoraPart])[] = [
  // kohya's sd-scripts, and OneTrainer, which may write dots behind them
  [/^lora_unet[_.]/, 'denoiser'],
  [/^lora_te2[_.]/, 'text-encoder-2'],
  [/^lora_te1?[_.]/, 'text-encoder'],
  // LyCORIS outside of kohya's
  [/^lycoris_(?=text_model_)/, 'text-encoder'],
  [/^lycoris_/, 'denoiser'],
  // diffusers
  [/^unet\./, 'denoiser'],
  [
    /^transformer\.(?=(?:(?:single_)?transformer_blocks|patch_embed|caption_projection|time_embed|proj_out|(?:x|context)_embedder|norm_out|(?:double|single)_stream_modulation\w*|time_guidance_embed|block_groups|tokencompressor|tokenreconstructor|adaln_single|pos_embed)\.)/,
    'denoiser',
  ],
  [/^text_encoder_2\./, 'text-encoder-2'],
  [/^text_encoder\./, 'text-encoder'],
  // ComfyUI
  [/^(?:text_encoders\.)?clip_[lh]\.(?:transformer\.)?/, 'text-encoder'],
  [/^(?:text_encoders\.)?clip_g\.(?:transformer\.)?/, 'text-encoder-2'],
  [/^(?:model\.)?diffusion_model\./, 'denoiser'],
  // A network's own names with nothing before them: diffusers' first format, and PEFT on a network by itself
  [/^(?=(?:text_model|encoder\.layers|text_projection)[._])/, 'text-encoder'],
  [
    /^(?=(?:(?:single_)?transformer_blocks|patch_embed|caption_projection|proj_out|(?:x|context)_embedder|block_groups|tokencompressor|tokenreconstructor|adaln_single)[._])/,
    'denoiser',
  ],
  // Black Forest Labs' own
  [/^(?=(?:double_blocks|single_blocks)[._])/, 'denoiser'],
  [/^(?=(?:down_blocks|up_blocks|mid_block|conv_in|conv_out|time_embedding|add_embedding)[._])/, 'denoiser'],
  [/^(?=(?:input_blocks|output_blocks|middle_block|time_embed|label_emb)[._])/, 'denoiser'],
];

/** Prefixes of PEFT's and PyTorch's wrappers. */
const WRAPPERS = /^(?:base_model\.model\.|module\.|_orig_mod\.)+/;

/** What diffusers before 0.22 called the parts of an attention. */
const PROCESSORS: readonly (readonly [RegExp, string])[] = [
  [/\.processor\.to_(q|k|v)_lora$/, '.to_$1'],
  [/\.processor\.to_out_lora$/, '.to_out.0'],
  [/\.self_attn\.to_(q|k|v)_lora$/, '.self_attn.$1_proj'],
  [/\.self_attn\.to_out_lora$/, '.self_attn.out_proj'],
];

/**
 * The target of a module's key, or undefined if the key's style is unknown.
 * @param layers of each block of the denoiser, which Stability's names count
 */
export function loraTarget(key: string, layers = PUBLISHED_LAYERS): LoraTarget | undefined {
  const bare = key.replace(WRAPPERS, '');
  const found = PREFIXES.find(([prefix]) => prefix.test(bare));
  if (!found) return undefined;
  const [prefix, part] = found;
  let path = bare.replace(prefix, '').replace(WRAPPERS, '');
  for (const [pattern, replacement] of PROCESSORS) path = path.replace(pattern, replacement);
  path = path.replaceAll('.', '_');
  if (part !== 'denoiser') return { part, path: inTextModel(path) };
  const fused = fusedOf(path);
  return { part, path: fromFlux2(path) ?? fromOriginal(path, layers), ...(fused && { fused }) };
}

/** Text encoders of transformers since 5.6 lack the outer name. */
function inTextModel(path: string): string {
  return /^(?:encoder_layers|embeddings|final_layer_norm)_/.test(path) ? `text_model_${path}` : path;
}

/** Modules of a double block of FLUX.2 by Black Forest Labs' names, of the image and of the text. */
const DOUBLE: Readonly<Record<string, string>> = {
  img_attn_proj: 'attn_to_out_0',
  txt_attn_proj: 'attn_to_add_out',
  img_mlp_0: 'ff_linear_in',
  img_mlp_2: 'ff_linear_out',
  txt_mlp_0: 'ff_context_linear_in',
  txt_mlp_2: 'ff_context_linear_out',
};
const SINGLE: Readonly<Record<string, string>> = {
  linear1: 'attn_to_qkv_mlp_proj',
  linear2: 'attn_to_out',
};
const FLUX2_OUTER: Readonly<Record<string, string>> = {
  img_in: 'x_embedder',
  txt_in: 'context_embedder',
  time_in_in_layer: 'time_guidance_embed_timestep_embedder_linear_1',
  time_in_out_layer: 'time_guidance_embed_timestep_embedder_linear_2',
  double_stream_modulation_img_lin: 'double_stream_modulation_img_linear',
  double_stream_modulation_txt_lin: 'double_stream_modulation_txt_linear',
  single_stream_modulation_lin: 'single_stream_modulation_linear',
  final_layer_linear: 'proj_out',
};

/** Translates a path of Black Forest Labs' own code, as diffusers converts their checkpoints; undefined for others. */
function fromFlux2(path: string): string | undefined {
  if (Object.hasOwn(FLUX2_OUTER, path)) return FLUX2_OUTER[path];
  const [, kind, block, rest = ''] = /^(double|single)_blocks_(\d+)_(.+)$/.exec(path) ?? [];
  const names = kind === 'double' ? DOUBLE : SINGLE;
  if (kind === undefined || !Object.hasOwn(names, rest)) return undefined;
  return `${kind === 'double' ? '' : 'single_'}transformer_blocks_${block}_${names[rest]}`;
}

/** Queries, keys and values, which Black Forest Labs' double blocks compute by one weight. */
function fusedOf(path: string): string[] | undefined {
  const [, block, side] = /^double_blocks_(\d+)_(img|txt)_attn_qkv$/.exec(path) ?? [];
  if (block === undefined) return undefined;
  const names = side === 'img' ? ['to_q', 'to_k', 'to_v'] : ['add_q_proj', 'add_k_proj', 'add_v_proj'];
  return names.map((name) => `transformer_blocks_${block}_attn_${name}`);
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

/** Layers a block of every published U-Net. */
const PUBLISHED_LAYERS = 2;

/** Layers of each block of a denoiser, from its modules' paths. */
export function layersOf(paths: Iterable<string>): number {
  const layers = new Set<string>();
  for (const path of paths) {
    const layer = /^down_blocks_0_resnets_(\d+)_/.exec(path)?.[1];
    if (layer) layers.add(layer);
  }
  return layers.size || PUBLISHED_LAYERS;
}

/**
 * Translates a path of Stability's own code, which SDXL's LoRA files use, to diffusers' names: with two layers a block
 * `input_blocks_4_1_…` is `down_blocks_1_attentions_0_…`. Blocks count layers and resamplings.
 */
function fromOriginal(path: string, layers: number): string {
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
  const block = `${side === 'input' ? 'down' : 'up'}_blocks_${Math.floor(index / (layers + 1))}`;
  const layer = index % (layers + 1);
  if (rest === 'op') return `${block}_downsamplers_0_conv`;
  if (rest === 'conv') return `${block}_upsamplers_0_conv`;
  return place === '0'
    ? `${block}_resnets_${layer}_${resnet(rest!)}`
    : `${block}_attentions_${layer}_${rest}`;
}

function resnet(rest: string): string {
  return Object.hasOwn(RESNET, rest) ? RESNET[rest]! : rest;
}
