import { addLost, isObject, jsonObject, type ReadRecipe, setSize, settingsOf, textOf } from './json.ts';

/** Fields of InvokeAI that change an image and are not taken over, those of its canvas, and those of InvokeAI 2. */
const LOST_OF_INVOKE =
  /^(?:vae$|refiner_model|hrf_|cfg_rescale|seamless|init_?image|control_?layers|regions|ref_images)/i;
const LOST_OF_CANVAS = /^(?:controlLayers|regionalGuidance|inpaintMasks|referenceImages)$/;
const LOST_OF_OLD_INVOKE =
  /^(?:variations|postprocessing|seamless|hires_fix|threshold|perlin|init_|strength$)/;

/** InvokeAI 3 and later: `invokeai_metadata`. */
export function invokeRecipe(text: string): ReadRecipe | undefined {
  const json = jsonObject(text);
  if (typeof json?.positive_prompt !== 'string') return undefined;
  const settings = settingsOf(json, {
    steps: 'Steps',
    scheduler: 'Sampler',
    cfg_scale: 'CFG scale',
    seed: 'Seed',
    strength: 'Denoising strength',
  });
  // Layers that are left out, where other tools count from the last.
  const { clip_skip: skipped } = json;
  if (typeof skipped === 'number' && skipped > 0) settings.set('Clip skip', String(skipped + 1));
  if (settings.get('Sampler')?.endsWith('_k')) {
    settings.set('Sampler', settings.get('Sampler')!.slice(0, -2));
    settings.set('Schedule type', 'karras');
  }
  setSize(settings, json.width, json.height);
  const model = isObject(json.model) ? (json.model.name ?? json.model.model_name) : undefined;
  if (typeof model === 'string') settings.set('Model', model);
  const loras = Array.isArray(json.loras) ? json.loras.flatMap(invokeLora) : [];
  if (loras.length > 0) settings.set('Loras', loras.join('; '));
  for (const [field, name] of [
    ['controlnets', 'ControlNet'],
    ['ipAdapters', 'IP-Adapter'],
    ['t2iAdapters', 'T2I-Adapter'],
  ] as const)
    if (Array.isArray(json[field]) && json[field].length > 0) settings.set(name, String(json[field].length));
  addLost(settings, json, LOST_OF_INVOKE);
  addLost(settings, json.canvas_v2_metadata, LOST_OF_CANVAS);
  const style = textOf(json.positive_style_prompt);
  if (style !== json.positive_prompt && style !== '') settings.set('Style prompt', style);
  return { prompt: json.positive_prompt, negativePrompt: textOf(json.negative_prompt), settings };
}

function invokeLora(entry: unknown): string[] {
  if (!isObject(entry)) return [];
  const model = isObject(entry.model)
    ? entry.model.name
    : isObject(entry.lora)
      ? entry.lora.model_name
      : undefined;
  return typeof model === 'string'
    ? [`${model}: ${typeof entry.weight === 'number' ? entry.weight : 1}`]
    : [];
}

/** InvokeAI 2: `sd-metadata`. */
export function oldInvokeRecipe(text: string): ReadRecipe | undefined {
  const json = jsonObject(text);
  const image = isObject(json?.image) ? json.image : undefined;
  if (!image) return undefined;
  const { prompt } = image;
  const words = Array.isArray(prompt) && isObject(prompt[0]) ? textOf(prompt[0].prompt) : textOf(prompt);
  // Negative words are in brackets within the prompt.
  const negative = [...words.matchAll(/\[([^[\]]*)\]/g)].map(([, inner]) => inner!.trim()).join(', ');
  const settings = settingsOf(image, {
    steps: 'Steps',
    sampler: 'Sampler',
    cfg_scale: 'CFG scale',
    seed: 'Seed',
  });
  setSize(settings, image.width, image.height);
  if (typeof json?.model_weights === 'string') settings.set('Model', json.model_weights);
  if (/^k_/.test(settings.get('Sampler') ?? '')) settings.set('Sampler', settings.get('Sampler')!.slice(2));
  addLost(settings, image, LOST_OF_OLD_INVOKE);
  return { prompt: words.replace(/\[[^[\]]*\]/g, '').trim(), negativePrompt: negative, settings };
}

/** NovelAI's fields that change an image and are not taken over. */
const LOST_OF_NOVELAI =
  /^(?:sm|sm_dyn|cfg_rescale|dynamic_thresholding|skip_cfg_above_sigma|controlnet_model|image|mask|reference_(?:image|strength)|director_reference)/;

/** NovelAI: JSON in `Comment`, the prompt also in `Description`. */
export function novelAiRecipe(comment: string, description = ''): ReadRecipe | undefined {
  const json = jsonObject(comment);
  if (!json || !('steps' in json) || !('sampler' in json)) return undefined;
  const settings = settingsOf(json, {
    steps: 'Steps',
    sampler: 'Sampler',
    noise_schedule: 'Schedule type',
    scale: 'CFG scale',
    seed: 'Seed',
    strength: 'Denoising strength',
  });
  if (/^k_/.test(settings.get('Sampler') ?? '')) settings.set('Sampler', settings.get('Sampler')!.slice(2));
  setSize(settings, json.width, json.height);
  addLost(settings, json, LOST_OF_NOVELAI);
  const { caption } = isObject(json.v4_prompt) ? json.v4_prompt : {};
  if (isObject(caption) && Array.isArray(caption.char_captions) && caption.char_captions.length > 0)
    settings.set('Character prompts', String(caption.char_captions.length));
  return { prompt: textOf(json.prompt) || description, negativePrompt: textOf(json.uc), settings };
}

/** JSON in the comment of a JPEG or WebP file: of Draw Things, InvokeAI, or NovelAI, which puts its texts into one. */
export function commentRecipe(text: string): ReadRecipe | undefined {
  const json = jsonObject(text);
  return (
    drawThingsJson(text) ??
    invokeRecipe(text) ??
    novelAiRecipe(textOf(json?.Comment), textOf(json?.Description)) ??
    novelAiRecipe(text)
  );
}

const COMMENT_TAG = '<exif:UserComment>';

/** Draw Things: JSON in XMP's `exif:UserComment`. */
export function drawThingsRecipe(xmp: string): ReadRecipe | undefined {
  // One after another: a single expression would try every beginning with every end.
  const place = xmp.indexOf(COMMENT_TAG);
  const tag =
    place < 0 ? null : /^[\s\S]{0,500}?<rdf:li[^>]{0,100}>/.exec(xmp.slice(place + COMMENT_TAG.length));
  if (!tag) return undefined;
  const begin = place + COMMENT_TAG.length + tag[0].length;
  const end = xmp.indexOf('</rdf:li>', begin);
  return end < 0 ? undefined : drawThingsJson(unescaped(xmp.slice(begin, end)));
}

/** Draw Things' fields that change an image and are not taken over. */
const LOST_OF_DRAW_THINGS = /^(?:controls?|hires_?fix|refiner_?(?:model)?|upscaler|face_?restoration)$/i;

/** The same JSON alone. */
function drawThingsJson(text: string): ReadRecipe | undefined {
  const json = jsonObject(text);
  if (typeof json?.c !== 'string') return undefined;
  const settings = settingsOf(json, {
    steps: 'Steps',
    sampler: 'Sampler',
    scale: 'CFG scale',
    seed: 'Seed',
    size: 'Size',
    model: 'Model',
    strength: 'Denoising strength',
  });
  const loras = Array.isArray(json.lora) ? json.lora : [];
  const named = loras.flatMap((entry) =>
    isObject(entry) && typeof entry.model === 'string'
      ? [`${entry.model.replace(/\.\w+$/, '')}: ${typeof entry.weight === 'number' ? entry.weight : 1}`]
      : [],
  );
  if (named.length > 0) settings.set('Loras', named.join('; '));
  if (settings.get('Denoising strength') === '1') settings.delete('Denoising strength');
  addLost(settings, json, LOST_OF_DRAW_THINGS);
  addLost(settings, json.v2, LOST_OF_DRAW_THINGS);
  const { clipSkip } = isObject(json.v2) ? json.v2 : {};
  if (typeof clipSkip === 'number' && clipSkip > 1) settings.set('Clip skip', String(clipSkip));
  return { prompt: json.c, negativePrompt: textOf(json.uc), settings };
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' };

/** The text that XML's entities stand for. */
function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,4}));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? all;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
