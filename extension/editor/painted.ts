import type { Recipe } from '../../shared/api.ts';
import type { EditCost, EditDraft } from '../../shared/editorProtocol.ts';

/** Facts about a painted edit. */
export interface Painted {
  recipe: Recipe;
  cost: EditCost;
  /** The contents of the form, with the seed that was used. */
  draft: EditDraft;
}
