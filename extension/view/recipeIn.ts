import { InputError } from '../../engine/errors.ts';
import { readRecipeOf } from '../../engine/pictures/read.ts';
import type { ParsedRecipe } from '../../engine/pictures/recipes/settings.ts';

/** The recipe in an image file, PNG, JPEG or WebP. @throws InputError if it is no image, or there is none */
export async function recipeIn(name: string, bytes: Uint8Array): Promise<ParsedRecipe> {
  const recipe = await readRecipeOf(bytes, name);
  if (!recipe)
    throw new InputError(`${name} carries no recipe: it was not made by Patchwork or a tool like it.`);
  return recipe;
}
