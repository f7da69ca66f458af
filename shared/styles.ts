/** Named styles: words that are added to a prompt, and to what the image must not show. */
import { unknownWords } from './vocabulary.ts';

export interface Style {
  name: string;
  /** Follows the prompt after a comma, or has `{prompt}` where the prompt goes. */
  prompt: string;
  negativePrompt?: string;
}

const PLACE = '{prompt}';

/** The first ones for models that know common language, the others for Scenes too. */
export const STYLES: readonly Style[] = [
  {
    name: 'Photograph',
    prompt: 'photograph, natural light, sharp focus',
    negativePrompt: 'drawing, painting, render, blurry',
  },
  {
    name: 'Cinematic',
    prompt: 'film still, dramatic lighting, shallow depth of field, film grain',
    negativePrompt: 'drawing, flat lighting',
  },
  {
    name: 'Oil Painting',
    prompt: 'oil painting on canvas, visible brush strokes',
    negativePrompt: 'photograph, smooth',
  },
  {
    name: 'Watercolour',
    prompt: 'watercolour painting, soft washes, textured paper',
    negativePrompt: 'photograph, hard edges',
  },
  {
    name: 'Pencil Sketch',
    prompt: 'pencil sketch, cross-hatching, on white paper',
    negativePrompt: 'photograph, colourful',
  },
  { name: 'Comic', prompt: 'comic book art, bold outlines, flat colours', negativePrompt: 'photograph' },
  { name: 'Pixel Art', prompt: 'pixel art, limited palette', negativePrompt: 'photograph, blurry, smooth' },
  {
    name: '3D Render',
    prompt: '3d render, soft studio lighting, octane render',
    negativePrompt: 'photograph, flat',
  },
  { name: 'Dawn', prompt: '{prompt} at dawn' },
  { name: 'Sunset', prompt: '{prompt} at sunset' },
  { name: 'Night', prompt: '{prompt} at night' },
  { name: 'Rain', prompt: '{prompt}, raining' },
  { name: 'Storm', prompt: '{prompt}, in a storm' },
  { name: 'Snow', prompt: '{prompt}, snowing' },
  { name: 'Fog', prompt: '{prompt}, in the fog' },
  { name: 'Rainbow', prompt: '{prompt}, under a rainbow' },
];

/** The style of a name, written in capitals or not. */
export function styleNamed(name: string, styles: readonly Style[] = STYLES): Style | undefined {
  return styles.find((style) => style.name.toLowerCase() === name.trim().toLowerCase());
}

/** Styles whose words a model knows. @param words all that it knows; undefined: common language */
export function stylesFor(words: readonly string[] | undefined, styles: readonly Style[]): Style[] {
  return styles.filter(({ prompt }) => !words || unknownWords(words, prompt.replace(PLACE, '')).length === 0);
}

interface Prompts {
  prompt: string;
  negativePrompt?: string;
  style?: Style;
}

/** A request with the words of its style. A prompt without words takes none, as when an object is removed. */
export function withStyle<Request extends Prompts>(request: Request): Request {
  const { prompt, negativePrompt = '', style } = request;
  if (!style) return request;
  if (prompt.trim() === '') return { ...request, style: undefined };
  const worded = style.prompt.trim() || PLACE;
  const whole = worded.includes(PLACE) ? worded : `${PLACE}, ${worded}`;
  const negative = [negativePrompt.trim(), style.negativePrompt?.trim()].filter(Boolean).join(', ');
  return {
    ...request,
    prompt: whole.replace(PLACE, () => prompt.trim()),
    ...(negative && { negativePrompt: negative }),
  };
}
