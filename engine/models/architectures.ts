import { FLUX2_LAYERS } from '../networks/flux2.ts';
import type { NetworkRole } from './networks.ts';

/** A published architecture by its configs: enough to count its operations or to run it with synthetic weights. */
export interface Architecture {
  /** A U-Net or a transformer. */
  readonly denoiser: object;
  readonly vae: object;
  readonly textEncoder: object;
  /** SDXL's other text encoder. */
  readonly textEncoder2?: object;
  /** Layers of a language model whose states the denoiser reads; see `NetworkOptions`. */
  readonly textLayers?: readonly number[];
  /** Side of the square pictures that it was trained on. */
  readonly size: number;
}

const CROSS_DOWN = 'CrossAttnDownBlock2D';
const CROSS_UP = 'CrossAttnUpBlock2D';

const autoencoder = (scalingFactor: number) => ({
  _class_name: 'AutoencoderKL',
  block_out_channels: [128, 256, 512, 512],
  latent_channels: 4,
  layers_per_block: 2,
  norm_num_groups: 32,
  scaling_factor: scalingFactor,
});

const clipLarge = {
  hidden_act: 'quick_gelu',
  hidden_size: 768,
  intermediate_size: 3072,
  num_attention_heads: 12,
  num_hidden_layers: 12,
  vocab_size: 49408,
};

const sd15: Architecture = {
  denoiser: { attention_head_dim: 8, block_out_channels: [320, 640, 1280, 1280], cross_attention_dim: 768 },
  vae: autoencoder(0.18215),
  textEncoder: clipLarge,
  size: 512,
};

/** With TAESD, the fast autoencoder, in place of its own; its config is diffusers' default. */
const sd15Taesd: Architecture = { ...sd15, vae: { _class_name: 'AutoencoderTiny' } };

const sd21: Architecture = {
  denoiser: {
    ...sd15.denoiser,
    attention_head_dim: [5, 10, 20, 20],
    cross_attention_dim: 1024,
    use_linear_projection: true,
  },
  vae: autoencoder(0.18215),
  textEncoder: {
    hidden_act: 'gelu',
    hidden_size: 1024,
    intermediate_size: 4096,
    num_attention_heads: 16,
    num_hidden_layers: 23,
    vocab_size: 49408,
  },
  size: 768,
};

const sdxl: Architecture = {
  denoiser: {
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 256,
    attention_head_dim: [5, 10, 20],
    block_out_channels: [320, 640, 1280],
    cross_attention_dim: 2048,
    down_block_types: ['DownBlock2D', CROSS_DOWN, CROSS_DOWN],
    projection_class_embeddings_input_dim: 2816,
    transformer_layers_per_block: [1, 2, 10],
    up_block_types: [CROSS_UP, CROSS_UP, 'UpBlock2D'],
    use_linear_projection: true,
  },
  vae: autoencoder(0.13025),
  textEncoder: clipLarge,
  textEncoder2: {
    architectures: ['CLIPTextModelWithProjection'],
    hidden_act: 'gelu',
    hidden_size: 1280,
    intermediate_size: 5120,
    num_attention_heads: 20,
    num_hidden_layers: 32,
    projection_dim: 1280,
    vocab_size: 49408,
  },
  size: 1024,
};

/** SDXL with fewer transformer layers (Gupta et al. 2024, Progressive Knowledge Distillation Of Stable Diffusion XL). */
const ssd1b: Architecture = {
  ...sdxl,
  denoiser: {
    ...sdxl.denoiser,
    mid_block_type: 'UNetMidBlock2D',
    transformer_layers_per_block: [[1], [2, 2], [4, 4]],
    reverse_transformer_layers_per_block: [[4, 4, 10], [2, 1, 1], 1],
  },
};

/** A latent consistency model of Stable Diffusion 1: its U-Net takes the guidance scale. */
const lcm: Architecture = { ...sd15, denoiser: { ...sd15.denoiser, time_cond_proj_dim: 256 } };

/** The same for inpainting: behind the latents their U-Nets see a mask and the latents of what is known. */
const inpainting = (plain: Architecture): Architecture => ({
  ...plain,
  denoiser: { ...plain.denoiser, in_channels: 9 },
});

/** Block-removed distillations of Stable Diffusion 1 (Kim et al. 2023). */
const bkSdmSmall: Architecture = {
  ...sd15,
  denoiser: { ...sd15.denoiser, layers_per_block: 1, mid_block_type: null },
};
const bkSdmTiny: Architecture = {
  ...sd15,
  denoiser: {
    ...bkSdmSmall.denoiser,
    block_out_channels: [320, 640, 1280],
    down_block_types: [CROSS_DOWN, CROSS_DOWN, CROSS_DOWN],
    up_block_types: [CROSS_UP, CROSS_UP, CROSS_UP],
  },
};

const gemma2: object = {
  architectures: ['Gemma2Model'],
  attn_logit_softcapping: 50,
  head_dim: 256,
  hidden_activation: 'gelu_pytorch_tanh',
  hidden_size: 2304,
  intermediate_size: 9216,
  num_attention_heads: 8,
  num_hidden_layers: 26,
  num_key_value_heads: 4,
  query_pre_attn_scalar: 256,
  sliding_window: 4096,
  vocab_size: 256000,
};

/** DC-AE f32c32, as SANA has it. */
const deepCompression: object = {
  _class_name: 'AutoencoderDC',
  ...Object.fromEntries(
    ['encoder', 'decoder'].map((side) => [
      `${side}_block_types`,
      [0, 1, 2, 3, 4, 5].map((level) => (level < 3 ? 'ResBlock' : 'EfficientViTBlock')),
    ]),
  ),
  downsample_block_type: 'Conv',
  upsample_block_type: 'interpolate',
  scaling_factor: 0.41407,
};

/** SANA (Xie et al. 2025) of two sizes. */
const sana600m: Architecture = {
  denoiser: {
    _class_name: 'SanaTransformer2DModel',
    num_attention_heads: 36,
    num_cross_attention_heads: 16,
    cross_attention_head_dim: 72,
    cross_attention_dim: 1152,
    num_layers: 28,
  },
  vae: deepCompression,
  textEncoder: gemma2,
  size: 1024,
};
const sana1600m: Architecture = { ...sana600m, denoiser: { _class_name: 'SanaTransformer2DModel' } };
/** SANA-Sprint (Chen et al. 2025): two steps. */
const sprint = { guidance_embeds: true, qk_norm: 'rms_norm_across_heads' };

/** Qwen 3 with 4 billion parameters. FLUX.2 klein reads the outputs of some of its layers. */
const qwen3: object = {
  architectures: ['Qwen3ForCausalLM'],
  head_dim: 128,
  hidden_size: 2560,
  intermediate_size: 9728,
  num_attention_heads: 32,
  num_hidden_layers: 36,
  num_key_value_heads: 8,
  rope_theta: 1_000_000,
  vocab_size: 151936,
};

/** FLUX.2 klein (Black Forest Labs 2026): four steps without guidance. The autoencoder's config is diffusers' default. */
const flux2Klein4b: Architecture = {
  denoiser: {
    _class_name: 'Flux2Transformer2DModel',
    joint_attention_dim: 7680,
    num_attention_heads: 24,
    num_layers: 5,
    num_single_layers: 20,
  },
  vae: { _class_name: 'AutoencoderKLFlux2' },
  textEncoder: qwen3,
  textLayers: FLUX2_LAYERS,
  size: 1024,
};

/** Llama 3.2 of a billion parameters. */
const llama32: object = {
  architectures: ['LlamaForCausalLM'],
  head_dim: 64,
  hidden_size: 2048,
  intermediate_size: 8192,
  num_attention_heads: 32,
  num_hidden_layers: 16,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_scaling: {
    rope_type: 'llama3',
    factor: 32,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  },
  rope_theta: 500_000,
  vocab_size: 128256,
};

/** Nitro-E (Shen et al. 2025): four steps without guidance, where distilled. The transformer's config is its code's default. */
const nitroE512: Architecture = {
  denoiser: { _class_name: 'EMMDiTTransformer' },
  vae: deepCompression,
  textEncoder: llama32,
  size: 512,
};
/** With `taesana` in place of DC-AE (madebyollin/taesd), of which only the decoder is published by itself. */
const nitroETaesana: Architecture = {
  ...nitroE512,
  vae: {
    _class_name: 'AutoencoderTiny',
    latent_channels: 32,
    num_decoder_blocks: [3, 3, 3, 3, 3, 1],
    decoder_block_out_channels: [256, 128, 64, 64, 64, 64],
  },
};
const nitroE1024: Architecture = {
  ...nitroE512,
  denoiser: { ...nitroE512.denoiser, sample_size: 32, use_sub_attn: false },
  size: 1024,
};

export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  sd15,
  sd21,
  sdxl,
  'ssd-1b': ssd1b,
  lcm,
  'bk-sdm-small': bkSdmSmall,
  'bk-sdm-tiny': bkSdmTiny,
  'sd15-taesd': sd15Taesd,
  'sd15-inpainting': inpainting(sd15),
  'sd2-inpainting': { ...inpainting(sd21), size: 512 },
  'sdxl-inpainting': inpainting(sdxl),
  'sana-600m': sana600m,
  'sana-600m-512': { ...sana600m, size: 512 },
  'sana-1600m': sana1600m,
  'sana-1600m-512': { ...sana1600m, size: 512 },
  'sana-sprint-600m': { ...sana600m, denoiser: { ...sana600m.denoiser, ...sprint } },
  'nitro-e': nitroE512,
  'nitro-e-512': nitroE512,
  'nitro-e-1024': nitroE1024,
  'nitro-e-taesana': nitroETaesana,
  'flux2-klein-4b': flux2Klein4b,
  'sana-sprint-1600m': { ...sana1600m, denoiser: { ...sana1600m.denoiser, ...sprint } },
};

/** The config of one of an architecture's networks, or undefined if it has no such network. */
export function configOf(architecture: Architecture, role: NetworkRole): object | undefined {
  switch (role) {
    case 'denoiser':
      return architecture.denoiser;
    case 'text-encoder':
      return architecture.textEncoder;
    case 'text-encoder-2':
      return architecture.textEncoder2;
    default:
      return architecture.vae;
  }
}
