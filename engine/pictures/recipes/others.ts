import { isObject, jsonObject, type ReadRecipe, setSize, settingsOf, textOf } from './json.ts';

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
    clip_skip: 'Clip skip',
  });
  if (settings.get('Clip skip') === '0') settings.delete('Clip skip');
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
  return { prompt: words.replace(/\[[^[\]]*\]/g, '').trim(), negativePrompt: negative, settings };
}

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

/** Draw Things: JSON in XMP's `exif:UserComment`. */
export function drawThingsRecipe(xmp: string): ReadRecipe | undefined {
  const [, comment] =
    /<exif:UserComment>[\s\S]{0,500}?<rdf:li[^>]{0,100}>([\s\S]*?)<\/rdf:li>/.exec(xmp) ?? [];
  return comment === undefined ? undefined : drawThingsJson(unescaped(comment));
}

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
