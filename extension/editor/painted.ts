import type { Recipe } from '../../shared/api.ts';
import type { EditCost, EditDraft } from '../../shared/editorProtocol.ts';

/** What is known of a painted edit. */
export interface Painted {
  recipe: Recipe;
  cost: EditCost;
  /** What stood in the form, with the seed that was used. */
  draft: EditDraft;
}
