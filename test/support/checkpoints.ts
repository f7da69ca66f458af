import { copyFile, mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Network } from '../../engine/graph/network.ts';
import { weightsOf } from '../../engine/graph/network.ts';
import { ARCHITECTURES } from '../../engine/models/architectures.ts';
import { type NetworkRole, networkOf, placeOf } from '../../engine/models/networks.ts';
import { clipVision, parseClipVisionConfig } from '../../engine/networks/clip-vision.ts';
import {
  controlNet as controlNetwork,
  hintEncoder,
  parseControlNetConfig,
} from '../../engine/networks/controlnet.ts';
import { parseT2IAdapterConfig, t2iAdapter } from '../../engine/networks/t2i-adapter.ts';
import { gaussianNoise } from '../../engine/noise.ts';
import { openSafetensors } from '../../engine/weights/safetensors.ts';
import { syntheticWeights } from '../../engine/weights/synthetic.ts';
import { writeSafetensors } from '../../engine/weights/write.ts';
import { TINY_AUTOENCODER } from './configs.ts';
import { SMALL_LLAMA, SMALL_NITRO_E } from './transformers.ts';

const TOKENIZER = path.join(import.meta.dirname, '..', 'fixtures', 'tokenizer');

/** Published families that small checkpoints are made of. */
export type Family =
  | 'sana'
  | 'sana-sprint'
  | 'nitro-e'
  | 'flux2-klein'
  | 'sd15'
  | 'bk-sdm-tiny'
  | 'lcm'
  | 'sd-turbo'
  | 'sdxl-turbo'
  | 'ssd-1b'
  | 'sd15-inpaint';

const text = (hidden: number, more: object = {}) => ({
  architectures: ['CLIPTextModel'],
  hidden_size: hidden,
  intermediate_size: 2 * hidden,
  num_attention_heads: 2,
  num_hidden_layers: 2,
  vocab_size: 560,
  ...more,
});
const vae = {
  _class_name: 'AutoencoderKL',
  block_out_channels: [8, 8, 8, 8],
  latent_channels: 4,
  layers_per_block: 1,
  norm_num_groups: 4,
  scaling_factor: 0.18215,
};
const small = {
  block_out_channels: [8, 16, 16, 16],
  norm_num_groups: 4,
  attention_head_dim: 2,
  cross_attention_dim: 16,
};
const xl = {
  block_out_channels: [8, 16, 16],
  norm_num_groups: 4,
  attention_head_dim: [2, 2, 2],
  cross_attention_dim: 24,
  addition_time_embed_dim: 8,
  projection_class_embeddings_input_dim: 60,
};
const noise = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', steps_offset: 1 };
const euler = { ...noise, _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' };
const pndm = { ...noise, _class_name: 'PNDMScheduler', skip_prk_steps: true, set_alpha_to_one: false };

const one = (name: string, scheduler: object, unet: object = small) => ({
  pipeline: 'StableDiffusionPipeline',
  scheduler,
  parts: {
    unet: { sample_size: 8, ...ARCHITECTURES[name]!.denoiser, ...unet },
    vae,
    text_encoder: text(16),
  },
});
const two = (name: string, scheduler: object, more: object = {}) => ({
  pipeline: 'StableDiffusionXLPipeline',
  scheduler,
  parts: {
    unet: { sample_size: 8, ...ARCHITECTURES[name]!.denoiser, ...xl, ...more },
    vae: { ...vae, scaling_factor: 0.13025 },
    text_encoder: text(8),
    text_encoder_2: text(16, { architectures: ['CLIPTextModelWithProjection'], projection_dim: 12 }),
  },
});

/** DC-AE with 32 pixels for a position, a language model of Gemma's kind, linear attention. */
const sana = (more: object, scheduler: object, pipeline: string) => ({
  pipeline,
  scheduler,
  parts: {
    transformer: {
      _class_name: 'SanaTransformer2DModel',
      sample_size: 4,
      attention_head_dim: 4,
      caption_channels: 16,
      cross_attention_dim: 8,
      cross_attention_head_dim: 4,
      in_channels: 4,
      num_attention_heads: 2,
      num_cross_attention_heads: 2,
      num_layers: 2,
      ...more,
    },
    vae: {
      _class_name: 'AutoencoderDC',
      latent_channels: 4,
      attention_head_dim: 4,
      ...Object.fromEntries(
        ['encoder', 'decoder'].flatMap((side) => [
          [`${side}_block_out_channels`, [4, 4, 8, 8, 8, 8]],
          [`${side}_layers_per_block`, [1, 1, 1, 1, 1, 1]],
          [`${side}_block_types`, [0, 1, 2, 3, 4, 5].map((l) => (l < 3 ? 'ResBlock' : 'EfficientViTBlock'))],
        ]),
      ),
      downsample_block_type: 'Conv',
      upsample_block_type: 'interpolate',
      scaling_factor: 0.41407,
    },
    text_encoder: {
      architectures: ['Gemma2Model'],
      head_dim: 4,
      hidden_activation: 'gelu_pytorch_tanh',
      hidden_size: 16,
      intermediate_size: 24,
      num_attention_heads: 4,
      num_hidden_layers: 2,
      num_key_value_heads: 2,
      query_pre_attn_scalar: 4,
      attn_logit_softcapping: 50,
      sliding_window: 4096,
      vocab_size: 320,
    },
  },
});
const flowDpm = {
  _class_name: 'DPMSolverMultistepScheduler',
  prediction_type: 'flow_prediction',
  use_flow_sigmas: true,
  flow_shift: 3,
};

/** Text and image in one sequence, packed latents of 16 pixels, a language model of Qwen's kind. */
const flux2Klein = {
  pipeline: 'Flux2KleinPipeline',
  scheduler: {
    _class_name: 'FlowMatchEulerDiscreteScheduler',
    shift: 3,
    use_dynamic_shifting: true,
    time_shift_type: 'exponential',
  },
  parts: {
    transformer: {
      _class_name: 'Flux2Transformer2DModel',
      attention_head_dim: 8,
      axes_dims_rope: [2, 2, 2, 2],
      in_channels: 16,
      joint_attention_dim: 24,
      num_attention_heads: 2,
      num_layers: 1,
      num_single_layers: 2,
      timestep_guidance_channels: 16,
    },
    vae: { ...vae, _class_name: 'AutoencoderKLFlux2', scaling_factor: undefined },
    text_encoder: {
      architectures: ['Qwen3ForCausalLM'],
      head_dim: 4,
      hidden_act: 'silu',
      hidden_size: 8,
      intermediate_size: 12,
      num_attention_heads: 2,
      num_hidden_layers: 27,
      num_key_value_heads: 1,
      rope_theta: 1_000_000,
      vocab_size: 300,
    },
  },
};

/**
 * Nitro-E: the image at a half and a quarter in its middle blocks, subregion attention, a language model of Llama's
 * kind.
 */
const nitroE = {
  ...sana({}, { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 1 }, 'EMMDiTPipeline'),
};
nitroE.parts = {
  ...nitroE.parts,
  transformer: {
    ...SMALL_NITRO_E,
    sample_size: 8,
    use_sub_attn: false,
  },
  text_encoder: SMALL_LLAMA,
} as never;

const FAMILIES: Record<Family, { pipeline: string; scheduler: object; parts: Record<string, object> }> = {
  sana: sana({}, flowDpm, 'SanaPipeline'),
  'sana-sprint': sana(
    { guidance_embeds: true, qk_norm: 'rms_norm_across_heads' },
    { _class_name: 'SCMScheduler', prediction_type: 'trigflow', sigma_data: 0.5 },
    'SanaSprintPipeline',
  ),
  'nitro-e': nitroE,
  'flux2-klein': flux2Klein,
  sd15: one('sd15', pndm),
  'sd15-inpaint': {
    ...one('sd15', pndm, { ...small, in_channels: 9 }),
    pipeline: 'StableDiffusionInpaintPipeline',
  },
  'bk-sdm-tiny': one('bk-sdm-tiny', pndm, { ...small, block_out_channels: [8, 16, 16] }),
  lcm: {
    ...one('lcm', { ...noise, _class_name: 'LCMScheduler' }),
    pipeline: 'LatentConsistencyModelPipeline',
  },
  'sd-turbo': one('sd21', euler, { ...small, attention_head_dim: [2, 4, 4, 4] }),
  // Fewer layers, in the same places: loading all of them takes most of a test's time.
  'sdxl-turbo': two(
    'sdxl',
    { ...euler, _class_name: 'EulerAncestralDiscreteScheduler' },
    { transformer_layers_per_block: [1, 1, 2] },
  ),
  'ssd-1b': two('ssd-1b', { ...euler, timestep_spacing: 'leading' }),
};

/** Networks of each folder of a checkpoint. */
const NETWORKS: Record<string, readonly NetworkRole[]> = {
  unet: ['denoiser'],
  transformer: ['denoiser'],
  vae: ['vae-decoder', 'vae-encoder'],
  text_encoder: ['text-encoder'],
  text_encoder_2: ['text-encoder-2'],
};

/** Writes a small checkpoint with random weights, in the layout of the family's repository, into a new folder. */
export async function writeCheckpoint(folder: string, family: Family): Promise<void> {
  const { pipeline, scheduler, parts } = FAMILIES[family];
  const json = async (file: string, value: unknown) => {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), `${JSON.stringify(value, null, 2)}\n`);
  };
  await json('model_index.json', {
    _class_name: pipeline,
    _diffusers_version: '0.27.2',
    ...(family === 'flux2-klein' && { is_distilled: true }),
  });
  await json('scheduler/scheduler_config.json', scheduler);
  for (const [name, config] of Object.entries(parts)) {
    await json(`${name}/config.json`, config);
    const networks = NETWORKS[name]!.map((part) => networkOf(part, config, name));
    const { stem } = placeOf(NETWORKS[name]![0]!);
    await writeWeights(path.join(folder, name, `${stem}.safetensors`), networks);
    if (parts.transformer && name === 'text_encoder')
      await json('tokenizer/tokenizer.json', tokenizerOf(family));
    else if (name.startsWith('text_encoder'))
      await copyTokenizer(folder, name.replace('text_encoder', 'tokenizer'));
  }
}

/** Writes a small fast autoencoder in the layout of TAESD's repository. */
export async function writeTinyAutoencoder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'config.json'), JSON.stringify(TINY_AUTOENCODER));
  const networks = (['vae-decoder', 'vae-encoder'] as const).map((part) =>
    networkOf(part, TINY_AUTOENCODER, 'taesd'),
  );
  await writeWeights(path.join(folder, 'diffusion_pytorch_model.safetensors'), networks);
}

/** Families of Stable Diffusion 1, 2 and XL, which take networks that steer. */
export type SteeredFamily = 'sd15' | 'sd-turbo' | 'sdxl-turbo';

/** Writes a small ControlNet and a T2I-Adapter for the small checkpoint of a family, in the layout of published ones. */
export async function writeControlModels(
  folder: string,
  family: SteeredFamily = 'sd15',
): Promise<{ controlNet: string; adapter: string }> {
  const [controlNet, adapter] = [path.join(folder, 'controlnet'), path.join(folder, 't2i-adapter')];
  const control = {
    ...(FAMILIES[family].parts.unet as object),
    _class_name: 'ControlNetModel',
    conditioning_embedding_out_channels: [4, 4, 8, 8],
  };
  const t2i = {
    _class_name: 'T2IAdapter',
    channels: small.block_out_channels,
    num_res_blocks: 1,
    ...(family === 'sdxl-turbo'
      ? { adapter_type: 'full_adapter_xl', downscale_factor: 16 }
      : { downscale_factor: 8 }),
  };
  for (const [place, config] of [
    [controlNet, control],
    [adapter, t2i],
  ] as const) {
    await mkdir(place, { recursive: true });
    await writeFile(path.join(place, 'config.json'), JSON.stringify(config));
  }
  const { unet, ...hint } = parseControlNetConfig(control, controlNet);
  const networks = [controlNetwork(unet), hintEncoder({ unet, ...hint })];
  await writeWeights(path.join(controlNet, 'diffusion_pytorch_model.safetensors'), networks);
  const features = t2iAdapter(parseT2IAdapterConfig(t2i, adapter));
  await writeWeights(path.join(adapter, 'diffusion_pytorch_model.safetensors'), [features]);
  return { controlNet, adapter };
}

/** Writes a small IP-Adapter for the small checkpoint of a family, with its image encoder beside it. */
export async function writeReferenceModel(
  folder: string,
  kind: 'plain' | 'full' = 'plain',
  family: SteeredFamily = 'sd15',
): Promise<string> {
  const { unet } = FAMILIES[family].parts;
  const { cross_attention_dim: width } = unet as typeof small;
  const encoder = {
    hidden_size: 8,
    image_size: 28,
    intermediate_size: 16,
    num_attention_heads: 2,
    num_hidden_layers: 2,
    patch_size: 14,
    projection_dim: 12,
  };
  const place = path.join(folder, 'image_encoder');
  await mkdir(place, { recursive: true });
  await writeFile(path.join(place, 'config.json'), JSON.stringify(encoder));
  const vision = weightsOf(clipVision(parseClipVisionConfig(encoder, place))).map(({ name, shape }) => ({
    name,
    // The patches' convolution is one in files.
    shape: name.endsWith('patch_embedding.weight') ? [8, 3, 14, 14] : shape,
  }));
  const places = [
    { name: 'vision_model.embeddings.class_embedding', shape: [8] },
    { name: 'vision_model.embeddings.position_embedding.weight', shape: [5, 8] },
  ];
  await writeRandom(path.join(place, 'model.safetensors'), [...vision, ...places]);
  const references = { references: [{ masked: false }] };
  const attentions = weightsOf(networkOf('denoiser', unet, 'unet', { steering: references }))
    .filter(({ name }) => name.startsWith('references.'))
    .map(({ name, shape }) => ({ name: name.replace('references', 'ip_adapter'), shape }));
  const full = [
    { name: 'image_proj.proj.0.weight', shape: [8, 8] },
    { name: 'image_proj.proj.0.bias', shape: [8] },
    { name: 'image_proj.proj.2.weight', shape: [width, 8] },
    { name: 'image_proj.proj.2.bias', shape: [width] },
    { name: 'image_proj.proj.3.weight', shape: [width] },
    { name: 'image_proj.proj.3.bias', shape: [width] },
  ];
  const plain = [
    { name: 'image_proj.proj.weight', shape: [4 * width, 12] },
    { name: 'image_proj.proj.bias', shape: [4 * width] },
    { name: 'image_proj.norm.weight', shape: [width] },
    { name: 'image_proj.norm.bias', shape: [width] },
  ];
  const file = path.join(folder, 'ip-adapter.safetensors');
  await writeRandom(file, [...(kind === 'full' ? full : plain), ...attentions]);
  return file;
}

/** A file of random numbers. */
async function writeRandom(
  file: string,
  tensors: readonly { name: string; shape: readonly number[] }[],
): Promise<void> {
  const written = tensors.map(({ name, shape }, i) => ({
    name,
    shape,
    dtype: 'F32' as const,
    chunks: () => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [new Uint8Array(gaussianNoise(3, i, size).buffer)];
    },
  }));
  await writeSafetensors(file, written);
}

/** Writes a LoRA file that changes one weight of every small checkpoint of Stable Diffusion 1. */
export async function writeLora(file: string, metadata: Record<string, string> = {}): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const key = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q';
  const half = (name: string, shape: number[]) => ({
    name: `${key}.${name}.weight`,
    dtype: 'F32' as const,
    shape,
    chunks: () => [new Uint8Array(Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)).buffer)],
  });
  await writeSafetensors(file, [half('lora_down', [4, 8]), half('lora_up', [8, 4])], metadata);
}

/** A trained word of two tokens for the family sd15, as AUTOMATIC1111 writes it. */
export async function writeTrainedWord(file: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeRandom(file, [{ name: 'emb_params', shape: [2, 16] }]);
}

async function writeWeights(file: string, networks: readonly Network[]): Promise<void> {
  // Encoder and decoder may share statistics.
  const weights = new Map(networks.flatMap(weightsOf).map((weight) => [weight.name, weight]));
  const source = await syntheticWeights([...weights.values()], { seed: 1, folder: path.dirname(file) });
  await rename(source.file, file);
}

/** A small vocabulary in the form of Gemma's `tokenizer.json`: letters, bytes, and a few pairs. */
function gemmaTokenizer(): object {
  const hex = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
  const special = ['<pad>', '<eos>', '<bos>', '<unk>'];
  const letters = [...'▁abcdefghijklmnopqrstuvwxyz'];
  const merges = ['▁ a', '▁ h', 'o u', '▁h ou', 's e', '▁hou se'];
  const words = merges.map((merge) => merge.replace(' ', ''));
  const tokens = [...special, ...Array.from({ length: 256 }, (_, byte) => hex(byte)), ...letters, ...words];
  return {
    added_tokens: special.map((content, id) => ({ id, content, special: true })),
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    model: {
      type: 'BPE',
      byte_fallback: true,
      unk_token: '<unk>',
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** The language model's tokenizer of a family. */
function tokenizerOf(family: Family): object {
  if (family === 'nitro-e') return llamaTokenizer();
  return family === 'flux2-klein' ? qwenTokenizer() : gemmaTokenizer();
}

/** A tokenizer of Llama 3's kind, which is Qwen's but for digits, special tokens and its normalizer. */
export function llamaTokenizer(): object {
  const qwen = qwenTokenizer() as {
    added_tokens: { id: number }[];
    pre_tokenizer: { pretokenizers: { pattern?: { Regex: string } }[] };
    model: object;
  };
  const [{ pattern }, bytes] = qwen.pre_tokenizer.pretokenizers as [{ pattern: { Regex: string } }, object];
  const Regex = pattern.Regex.replace('|\\p{N}|', '|\\p{N}{1,3}|');
  return {
    added_tokens: ['<|begin_of_text|>', '<|end_of_text|>'].map((content, i) => ({
      id: qwen.added_tokens[i]!.id,
      content,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }, bytes],
    },
    model: { ...qwen.model, ignore_merges: true },
  };
}

/** Every byte as a letter (GPT-2's), a few merges, and the tokens of a chat. */
export function qwenTokenizer(): object {
  const printable = [...range(33, 127), ...range(161, 173), ...range(174, 256)];
  const others = range(0, 256).filter((byte) => !printable.includes(byte));
  const letters = [...printable, ...others.map((_, i) => 256 + i)].map((code) => String.fromCharCode(code));
  const merges = ['o u', 'h ou', 's e', 'hou se', 'Ġ house'];
  const tokens = [...letters, ...merges.map((merge) => merge.replace(' ', ''))];
  const special = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<think>', '</think>'];
  const words =
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  return {
    added_tokens: special.map((content, i) => ({
      id: tokens.length + i,
      content,
      special: content.includes('|'),
    })),
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: words }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    model: {
      type: 'BPE',
      byte_fallback: false,
      unk_token: null,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

async function copyTokenizer(folder: string, name: string): Promise<void> {
  await mkdir(path.join(folder, name), { recursive: true });
  for (const file of ['vocab.json', 'merges.txt', 'special_tokens_map.json', 'tokenizer_config.json'])
    await copyFile(path.join(TOKENIZER, file), path.join(folder, name, file));
}

/** Changes fields of a JSON file, which may not be there yet. */
export async function changeJson(file: string, change: object): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => '{}');
  await writeFile(file, JSON.stringify({ ...JSON.parse(before), ...change }));
}

/** Overwrites the first number of a float32 tensor. */
export async function changeNumber(file: string, tensor: string, value: number): Promise<void> {
  const source = await openSafetensors(file);
  const handle = await open(source.file, 'r+');
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  await handle.write(bytes, 0, bytes.length, source.find(tensor)!.offset);
  await handle.close();
}

/** Makes the first number of a tensor NaN, in 16 or 32 bits. */
export async function spoilNumber(file: string, tensor: string): Promise<void> {
  const { offset } = (await openSafetensors(file)).find(tensor)!;
  const handle = await open(file, 'r+');
  await handle.write(new Uint8Array(4).fill(255), 0, 4, offset);
  await handle.close();
}
