import { Uri } from 'vscode';
import { readPictureUri } from '../editor/pictureFile.ts';
import { nameOf } from '../readUri.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { pickedPicture } from '../sight/picked.ts';
import { recipeIn } from './recipeIn.ts';
import { ImageView } from './view.ts';

/** *Use Recipe of Image…*: fills the view's form with the recipe in an image file. */
export async function useRecipeOf(services: Services, asked: unknown): Promise<void> {
  const file = asked instanceof Uri ? asked : await pickedPicture(asked, 'Use Recipe of Image');
  if (!file) return;
  try {
    const recipe = await recipeIn(nameOf(file), await readPictureUri(file));
    ImageView.show(services).useRecipe(recipe);
  } catch (error) {
    await reportError(services.log, error);
  }
}
