import type { Services } from '../services.ts';
import { Selector } from '../sight/selector.ts';
import type { PictureDocument } from './document.ts';

const selectors = new WeakMap<PictureDocument, Selector>();

/** What selects in a document, for clicks in all its editors and for what is encoded before them. */
export function selectorOf({ engine }: Pick<Services, 'engine'>, document: PictureDocument): Selector {
  const selector = selectors.get(document) ?? new Selector(engine);
  selectors.set(document, selector);
  return selector;
}
