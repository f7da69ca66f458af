import type { WeightSource } from '../../weights/source.ts';
import type { Sections } from './sections.ts';

/** Names of tensors by which other kinds of model are known, and what they are called. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\.)double_blocks\.\d+\./, 'a Flux model, which is not supported'],
  [/(?:^|\.)joint_blocks\.\d+\./, 'a Stable Diffusion 3 model, which is not supported'],
  [/(?:^|\.)motion_modules\./, 'a motion module for videos, which is not supported'],
  [
    /^(?:control_model|controlnet_cond_embedding|controlnet_down_blocks|zero_convs|input_hint_block)\./,
    'a ControlNet, not a model that draws by itself',
  ],
  [
    /lora_|\.hada_|\.lokr_|\.(?:up|down)\.weight$|\.processor\./,
    'a LoRA file: merge it into a model with --lora, or the setting patchwork.loras',
  ],
  [
    /^(?:emb_params|clip_l|clip_g|string_to_param.*|<.*>)$/,
    'a textual inversion, not a model that draws by itself',
  ],
  [/^(?:model\.)?(?:body|RRDB|conv_first|params)/, 'an upscaler, not a model that draws from a prompt'],
  [
    /^token_embd\.weight$|(?:^|\.)layers\.0\.mlp\.gate_proj\.weight$/,
    'a text encoder: name it with --text-encoder beside a model',
  ],
  [/^image_proj\.|^ip_adapter\./, 'an IP-Adapter, not a model that draws by itself'],
];

/** The kind of a file without a U-Net, as the end of a sentence. */
export function otherKind(source: WeightSource, { autoencoder, texts }: Sections): string {
  for (const name of source.names()) {
    const foreign = FOREIGN.find(([pattern]) => pattern.test(name));
    if (foreign) return foreign[1];
  }
  if (autoencoder)
    return 'an autoencoder (VAE): name it with --vae, or the setting patchwork.vae, beside a model';
  if (texts.length > 0) return 'a text encoder: name it with --text-encoder beside a model';
  return 'no checkpoint of Stable Diffusion 1, 2 or XL, nor of Nitro-E: it has no U-Net whose tensors are named as theirs';
}
