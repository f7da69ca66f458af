import assert from 'node:assert/strict';
import fc from 'fast-check';
import sharp from 'sharp';
import { autoencoderDcDecoder } from '../../../engine/networks/autoencoder-dc.ts';
import { parseAutoencoderDcConfig } from '../../../engine/networks/autoencoder-dc-config.ts';
import {
  autoencoderKlDecoder,
  autoencoderKlEncoder,
  parseAutoencoderKlConfig,
} from '../../../engine/networks/autoencoder-kl.ts';
import { flux2 } from '../../../engine/networks/flux2.ts';
import { parseFlux2Config } from '../../../engine/networks/flux2-config.ts';
import { languageModel } from '../../../engine/networks/language.ts';
import { parseLanguageConfig } from '../../../engine/networks/language-config.ts';
import { nitroE } from '../../../engine/networks/nitro-e.ts';
import { parseNitroEConfig } from '../../../engine/networks/nitro-e-config.ts';
import { sana } from '../../../engine/networks/sana.ts';
import { parseSanaConfig } from '../../../engine/networks/sana-config.ts';
import { parseUNetConfig } from '../../../engine/networks/unet-config.ts';
import { maskFor } from '../../../engine/pictures/mask.ts';
import { readPngText, withPngText } from '../../../engine/pictures/png-text.ts';
import { decodePicture } from '../../../engine/pictures/read.ts';
import { parseRecipe } from '../../../engine/pictures/recipes/webui.ts';
import { rewritePicture } from '../../../engine/pictures/rewrite.ts';
import { createScheduler } from '../../../engine/schedulers/create.ts';
import { emphasisOf } from '../../../engine/text/emphasis.ts';
import { languageVocabulary } from '../../../engine/text/language-tokenizer.ts';
import { withoutTags } from '../../../engine/text/prompt-tags.ts';
import { loraTarget } from '../../../engine/weights/lora-names.ts';
import { SCHEDULERS } from '../../../shared/api.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { qwenTokenizer } from '../../support/checkpoints.ts';
import { SMALL_FLUX2, SMALL_NITRO_E, SMALL_SANA } from '../../support/transformers.ts';
import { changed, damaged, oddText, type Target, target, valueOrSentence } from '../target.ts';

const image = sharp(
  Uint8Array.from({ length: 24 * 16 * 3 }, (_, i) => (i * 7919) % 256),
  { raw: { width: 24, height: 16, channels: 3 } },
).withIccProfile('p3');
const png = withPngText(
  await image.clone().png().toBuffer(),
  'parameters',
  'a tree\nSteps: 4, Seed: 7, Size: 24x16',
);
const files = [
  png,
  await image.clone().jpeg().toBuffer(),
  await image.clone().webp().toBuffer(),
  await image.clone().tiff().toBuffer(),
  await image.clone().gif().toBuffer(),
];

const settings = fc
  .array(
    fc.oneof(
      oddText,
      fc.constantFrom('Steps: 4', 'Seed: 7', ', ', '\n', '"', '{"a": [', 'Size: 8x8', 'Negative prompt: '),
    ),
  )
  .map((parts) => `a tree\n${parts.join('')}`);

const scheduler = {
  _class_name: 'DPMSolverMultistepScheduler',
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
};
const unet = {
  block_out_channels: [8, 16],
  norm_num_groups: 4,
  attention_head_dim: [2, 2],
  cross_attention_dim: 12,
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
};
const flow = {
  ...scheduler,
  prediction_type: 'flow_prediction',
  use_flow_sigmas: true,
  use_dynamic_shifting: true,
  flow_shift: 3,
};
const transformer = {
  ...SMALL_SANA,
  qk_norm: null,
  interpolation_scale: null,
};
const nitroETransformer = {
  ...SMALL_NITRO_E,
  num_layers: 24,
  qk_norm: 'rms_norm',
  sample_size: 16,
  use_sub_attn: true,
};
const flux2Transformer = {
  _class_name: 'Flux2Transformer2DModel',
  ...SMALL_FLUX2,
  in_channels: 4,
  num_single_layers: 2,
  mlp_ratio: 3,
  rope_theta: 2000,
  guidance_embeds: false,
};
const packedAutoencoder = {
  _class_name: 'AutoencoderKLFlux2',
  block_out_channels: [4, 8],
  latent_channels: 2,
  layers_per_block: 1,
  norm_num_groups: 2,
  batch_norm_eps: 1e-4,
  patch_size: [2, 2],
  decoder_block_out_channels: null,
};
const deepCompression = {
  latent_channels: 4,
  attention_head_dim: 4,
  encoder_block_out_channels: [4, 8],
  decoder_block_out_channels: [4, 8],
  encoder_layers_per_block: [0, 1],
  decoder_layers_per_block: [1, 1],
  encoder_block_types: ['ResBlock', 'EfficientViTBlock'],
  decoder_block_types: ['ResBlock', 'EfficientViTBlock'],
  encoder_qkv_multiscales: [[], [5]],
  decoder_qkv_multiscales: [[], [3, 5]],
};
const language = {
  architectures: ['Gemma2Model'],
  head_dim: 4,
  hidden_size: 8,
  intermediate_size: 12,
  num_attention_heads: 2,
  num_hidden_layers: 2,
  num_key_value_heads: 1,
  rope_scaling: null,
  vocab_size: 9,
};
const tokenizer = {
  added_tokens: [{ id: 0, content: '<bos>', special: true }],
  normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
  model: { type: 'BPE', byte_fallback: true, vocab: { '<bos>': 0, a: 1, b: 2, ab: 3 }, merges: ['a b'] },
};

export const targets: readonly Target[] = [
  target(
    'an image file: what opens can be saved, and is a mask or none',
    fc.oneof(...files.map(damaged)),
    async (bytes) => {
      const picture = await valueOrSentence(() => decodePicture(bytes, 'image'));
      if (!picture) return;
      await valueOrSentence(() => maskFor(picture, { width: 8, height: 8 }, 'mask'));
      const pixels = Uint8Array.from(picture.pixels);
      pixels[0]! ^= 255;
      for (const format of ['png', 'jpeg', 'webp'] as const) {
        const saved = await valueOrSentence(() => rewritePicture(bytes, pixels, format));
        if (saved) assert.equal((await decodePicture(saved.bytes, 'saved')).width, picture.width);
      }
    },
  ),
  target('the texts of a PNG file', damaged(png), async (bytes) => {
    await valueOrSentence(() => readPngText(bytes, 'parameters'));
    const written = await valueOrSentence(() => withPngText(bytes, 'k', 'new'));
    if (written) assert.equal(readPngText(written, 'k'), 'new');
  }),
  target('a recipe', settings, (text) => {
    const { seed, steps, width, notes } = parseRecipe(text) ?? {};
    assert.ok(seed === undefined || (Number.isInteger(seed) && seed >= 0 && seed <= LIMITS.seed.max));
    for (const number of [steps, width]) assert.ok(number === undefined || Number.isSafeInteger(number));
    assert.ok((notes ?? []).every((note) => note.length < 2000));
  }),
  target('a prompt', oddText, (text) => {
    for (const { weight } of emphasisOf(withoutTags(text).text)) assert.ok(Number.isFinite(weight));
  }),
  target(
    'a scheduler’s config',
    fc.tuple(changed(scheduler), fc.constantFrom(undefined, ...SCHEDULERS)),
    async ([config, name]) => {
      const made = await valueOrSentence(() => createScheduler(config, 4, name));
      if (made) assert.ok(made.timesteps.every(Number.isFinite));
    },
  ),
  target('a U-Net’s config', changed(unet), async (config) => {
    await valueOrSentence(() => parseUNetConfig(config, 'unet/config.json'));
  }),
  target(
    'a flow’s scheduler config',
    fc.tuple(changed(flow), fc.constantFrom(undefined, ...SCHEDULERS)),
    async ([config, name]) => {
      const made = await valueOrSentence(() => createScheduler(config, 4, name, { positions: 1024 }));
      if (made) assert.ok(made.timesteps.every(Number.isFinite));
    },
  ),
  target('a transformer’s config', changed(transformer), async (config) => {
    await valueOrSentence(() => sana(parseSanaConfig(config, 'transformer/config.json')));
  }),
  target('Nitro-E’s config', changed(nitroETransformer), async (config) => {
    await valueOrSentence(() => nitroE(parseNitroEConfig(config, 'transformer/config.json')));
  }),
  target('a FLUX.2 transformer’s config', changed(flux2Transformer), async (config) => {
    await valueOrSentence(() => flux2(parseFlux2Config(config, 'transformer/config.json')));
  }),
  target('an autoencoder’s config with packed latents', changed(packedAutoencoder), async (config) => {
    const parsed = await valueOrSentence(() => parseAutoencoderKlConfig(config, 'vae/config.json'));
    if (parsed) for (const make of [autoencoderKlDecoder, autoencoderKlEncoder]) make(parsed);
  }),
  target('a deep compression autoencoder’s config', changed(deepCompression), async (config) => {
    const parsed = await valueOrSentence(() => parseAutoencoderDcConfig(config, 'vae/config.json'));
    if (parsed) autoencoderDcDecoder(parsed);
  }),
  target('a language model’s config', changed(language), async (config) => {
    const parsed = await valueOrSentence(() => parseLanguageConfig(config, 'text_encoder/config.json'));
    if (parsed) languageModel(parsed);
  }),
  target('a language model’s tokenizer', changed(tokenizer), async (json) => {
    await valueOrSentence(() => languageVocabulary(json, 'tokenizer.json'));
  }),
  target('a language model’s tokenizer of bytes', changed(qwenTokenizer()), async (json) => {
    await valueOrSentence(() => languageVocabulary(json, 'tokenizer.json'));
  }),
  target('a LoRA’s keys', oddText, (key) => {
    for (const prefix of ['', 'unet.', 'lora_unet_', 'base_model.model.', 'text_encoder.'])
      loraTarget(prefix + key);
  }),
];
