import { addLost, isObject, type ReadRecipe, setSize, settingsOf, textOf } from './json.ts';

/** Field names of SwarmUI, Fooocus and Easy Diffusion for each setting. */
const JSON_FIELDS: Readonly<Record<string, string>> = {
  steps: 'Steps',
  num_inference_steps: 'Steps',
  sampler: 'Sampler',
  sampler_name: 'Sampler',
  scheduler: 'Schedule type',
  cfgscale: 'CFG scale',
  cfg_scale: 'CFG scale',
  guidance_scale: 'CFG scale',
  seed: 'Seed',
  model: 'Model',
  base_model: 'Model',
  use_stable_diffusion_model: 'Model',
};

/** Their fields that change an image and are not taken over. */
const LOST_FIELD =
  /lora|lycoris|control|init_?image|style|refiner|clip_?(?:skip|stop)|embedding|hypernetwork|^vae$|upscal|variation|freeu|seamless|mask/i;

/** The JSON of SwarmUI, Fooocus, Easy Diffusion and tools like them. */
export function swarmRecipe(json: Record<string, unknown>): ReadRecipe | undefined {
  const fields = isObject(json.sui_image_params) ? json.sui_image_params : json;
  const { prompt, width, height, resolution } = fields;
  if (typeof prompt !== 'string') return undefined;
  const settings = settingsOf(fields, JSON_FIELDS);
  const [first, second] = /^\((\d+), (\d+)\)$/.exec(String(resolution))?.slice(1) ?? [width, height];
  setSize(settings, first, second);
  const loras = lorasOf(fields);
  if (loras) settings.set('Loras', loras);
  addLost(settings, fields, LOST_FIELD, loras ? TAKEN : undefined);
  return { prompt, negativePrompt: textOf(fields.negativeprompt ?? fields.negative_prompt), settings };
}

/** SwarmUI's fields of LoRA files. */
const TAKEN = /^lora(?:s|weights)$/;

/** SwarmUI's LoRA files, `name: strength` joined by semicolons. */
function lorasOf({ loras, loraweights }: Record<string, unknown>): string | undefined {
  const names = Array.isArray(loras) ? loras : typeof loras === 'string' ? loras.split(',') : [];
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && name.trim())) return undefined;
  const weights = Array.isArray(loraweights) ? loraweights : String(loraweights ?? '').split(',');
  const pairs = names.map((name: string, i) => {
    const file = name
      .trim()
      .replace(/^.*[/\\]/, '')
      .replace(/\.(?:safetensors|ckpt|pt)$/, '');
    return `${file}: ${String(weights[i] ?? '').trim() || 1}`;
  });
  return pairs.join('; ');
}
