/** The generated images: their descriptions, searching and sorting. */
import type { AskedRequest } from './additions.ts';
import type { GenerateResult, Recipe } from './api.ts';

/** A finished image, without its bytes. */
export interface PictureInfo extends Omit<GenerateResult, 'picture'> {
  id: string;
  /** When it was finished, in milliseconds since 1970. */
  created: number;
  /** Its request, to repeat it. */
  request: AskedRequest;
  /** The request without the values from the settings; absent in images of earlier versions. */
  asked?: AskedRequest;
  /** Shared by images that were asked for together. */
  batch?: string;
  /** How it was made larger after it was generated; the recipe's size is the one before. */
  upscaled?: { model: string; scale: number; width: number; height: number };
  /** URI of the file it was saved to. */
  savedAs?: string;
}

/** The disk space of the gallery. */
export interface GalleryUsage {
  images: number;
  deleted: number;
  bytes: number;
  /** The oldest images are removed beyond it; 0: no limit. */
  limitBytes: number;
  folder: string;
}

export const GALLERY_ORDERS = ['newest', 'oldest', 'prompt', 'model', 'largest'] as const;
export type GalleryOrder = (typeof GALLERY_ORDERS)[number];

/** Whether every word of a search is somewhere in an image's recipe: `house seed 7`, `256x256`, `euler`. */
export function matchesSearch({ recipe }: Pick<PictureInfo, 'recipe'>, search: string): boolean {
  const text = searchable(recipe);
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => (/^\d+$/.test(word) ? hasNumber(text, word) : text.includes(word)));
}

/** 6 is not a part of 256. */
function hasNumber(text: string, number: string): boolean {
  return new RegExp(`(?<![\\p{L}\\p{N}])${number}(?![\\p{L}\\p{N}])`, 'u').test(text);
}

function searchable(recipe: Recipe): string {
  const { prompt, negativePrompt, model, seed, steps, guidance, width, height, scheduler, precision } =
    recipe;
  const loras = (recipe.loras ?? []).map(({ lora }) => lora);
  return [
    prompt,
    negativePrompt,
    model,
    `seed ${seed}`,
    `steps ${steps}`,
    `guidance ${guidance}`,
    `${width}x${height} ${width}×${height}`,
    scheduler,
    recipe.sigmas ?? '',
    precision,
    ...loras,
  ]
    .join(' ')
    .toLowerCase();
}

/** A sorted copy; images that are equal in an order are newest first. */
export function sortedPictures<Picture extends Pick<PictureInfo, 'recipe' | 'created' | 'upscaled'>>(
  pictures: readonly Picture[],
  order: GalleryOrder,
): Picture[] {
  const pixels = ({ recipe, upscaled }: Picture) => {
    const { width, height } = upscaled ?? recipe;
    return width * height;
  };
  const compare: Record<GalleryOrder, (a: Picture, b: Picture) => number> = {
    newest: () => 0,
    oldest: (a, b) => a.created - b.created,
    prompt: (a, b) => a.recipe.prompt.localeCompare(b.recipe.prompt),
    model: (a, b) => a.recipe.model.localeCompare(b.recipe.model),
    largest: (a, b) => pixels(b) - pixels(a),
  };
  return [...pictures].sort((a, b) => compare[order](a, b) || b.created - a.created);
}
