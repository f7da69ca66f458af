import type { Recipe } from '../../shared/api.ts';
import { commentIn, textsIn } from './exif-comment.ts';
import { isPng } from './png-chunks.ts';
import { readPngText, withPngText } from './png-text.ts';
import { comfyRecipe, comfyWorkflowRecipe } from './recipes/comfyui.ts';
import {
  commentRecipe,
  drawThingsRecipe,
  invokeRecipe,
  novelAiRecipe,
  oldInvokeRecipe,
} from './recipes/others.ts';
import { quoteIfNeeded } from './recipes/pairs.ts';
import { checked, type ParsedRecipe } from './recipes/settings.ts';
import { formatRecipe, parseRecipe } from './recipes/webui.ts';

/** PNG keyword under which Stable Diffusion tools store the recipe. */
const KEYWORD = 'parameters';

/** Writes the recipe into a PNG file's text. @throws InputError if the PNG file is not valid. */
export function withRecipe(png: Uint8Array, recipe: Recipe): Uint8Array {
  return withPngText(png, KEYWORD, formatRecipe(recipe));
}

/** Under which Stable Diffusion WebUI says what was done with an image after it was generated. */
const PROCESSED = 'postprocessing';

/**
 * Copies the recipe of an image file unchanged into the PNG file of the image made larger, and adds how it
 * was made larger, in the words of Stable Diffusion WebUI.
 */
export function withUpscaling(
  png: Uint8Array,
  from: Uint8Array | undefined,
  { model, scale, repaint }: { model: string; scale: number; repaint?: { model: string; strength: number } },
): Uint8Array {
  const recipe = from && isPng(from) ? readPngText(from, KEYWORD) : undefined;
  const kept = recipe === undefined ? png : withPngText(png, KEYWORD, recipe);
  const said = `Postprocess upscale by: ${scale}, Postprocess upscaler: ${quoteIfNeeded(model)}`;
  const again = repaint
    ? `, Postprocess repaint: ${quoteIfNeeded(repaint.model)}, Postprocess repaint strength: ${repaint.strength}`
    : '';
  return withPngText(kept, PROCESSED, said + again);
}

/** Texts of PNG files by their keywords, and what reads them, in the order in which they count. */
const PNG_RECIPES: readonly (readonly [
  string,
  (text: string, png: Uint8Array) => ParsedRecipe | undefined,
])[] = [
  [KEYWORD, parseRecipe],
  ['prompt', (text) => checked(comfyRecipe(text))],
  ['workflow', (text) => checked(comfyWorkflowRecipe(text))],
  ['invokeai_metadata', (text) => checked(invokeRecipe(text))],
  ['sd-metadata', (text) => checked(oldInvokeRecipe(text))],
  ['Comment', (text, png) => checked(novelAiRecipe(text, readPngText(png, 'Description')))],
  ['XML:com.adobe.xmp', (text) => checked(drawThingsRecipe(text))],
];

/** Reads the recipe in a PNG file, ours or another tool's. @throws InputError if the PNG file is not valid. */
export function readRecipe(png: Uint8Array): ParsedRecipe | undefined {
  for (const [keyword, read] of PNG_RECIPES) {
    const text = readPngText(png, keyword);
    const recipe = text === undefined ? undefined : read(text, png);
    if (recipe) return recipe;
  }
  return undefined;
}

/** The recipe in the EXIF of a JPEG or WebP file: a comment, or ComfyUI's graph. Other comments are none. */
export function exifRecipe(exif: Uint8Array): ParsedRecipe | undefined {
  const comment = commentIn(exif);
  const recipe =
    comment === undefined ? undefined : (checked(commentRecipe(comment)) ?? parseRecipe(comment));
  if (recipe?.steps !== undefined) return recipe;
  const texts = textsIn(exif);
  for (const [begin, read] of [
    ['prompt:', comfyRecipe],
    ['workflow:', comfyWorkflowRecipe],
  ] as const) {
    const text = texts.find((one) => one.toLowerCase().startsWith(begin));
    const found = text === undefined ? undefined : checked(read(text.slice(begin.length)));
    if (found) return found;
  }
  return undefined;
}
