/** The edits of a picture, as the pages list them. */
import { type EditorHostMessage, type EditRow, needsMask } from '../../shared/editorProtocol.ts';
import { shrunkTo } from '../../shared/raster.ts';
import type { Painted } from './painted.ts';
import { type ListedEdit, opacityOf, unpacked, type Variation } from './pictureModel.ts';

/** Pixels along the longer side of an edit's picture. */
const THUMBNAIL = 72;

export function rowOf(edit: ListedEdit<Painted>): EditRow {
  const { id, label, content, shown, mask, about } = edit;
  const { recipe, cost } = about ?? {};
  return {
    id,
    label,
    kind: content.kind,
    shown,
    picture: edit.variation ?? id,
    variations: variationsOf(edit),
    // Below an enlarged canvas there is nothing to be seen.
    ...(!(content.kind === 'paint' && content.extension) && { opacity: opacityOf(edit) }),
    reusable: about !== undefined && (mask !== undefined || !needsMask(about.draft.way)),
    ...(about?.draft.way === 'mask' && { prompt: about.recipe.prompt }),
    ...(recipe && { seed: recipe.seed }),
    ...(cost && { seconds: cost.seconds, computed: cost.computed.length > 0 ? cost.activeFraction[0] : 1 }),
  };
}

/** The variations of an edit by their seeds; none if there is no choice. */
function variationsOf({ variation, about, others = [] }: ListedEdit<Painted>): EditRow['variations'] {
  if (!variation) return [];
  return [{ id: variation, about }, ...others]
    .map(({ id, about }) => ({ id, seed: about?.recipe.seed ?? 0 }))
    .sort((a, b) => a.seed - b.seed);
}

/** The pictures that rows show, by their ids: of each edit and of its other variations. */
export function picturesOf(edits: readonly ListedEdit<Painted>[]): Pick<Variation, 'id' | 'content'>[] {
  return edits.flatMap(({ id, variation = id, content, others = [] }) => [
    { id: variation, content },
    ...others,
  ]);
}

/** What a page draws beside the row: the painted part, or the coverage of a restoration. */
export function thumbnailOf({ id, content }: Pick<Variation, 'id' | 'content'>): EditorHostMessage {
  const paint = content.kind === 'paint';
  const channels = paint ? 3 : 1;
  const picture = shrunkTo(unpacked(paint ? content.to : content.coverage, channels), channels, THUMBNAIL);
  return { type: 'thumbnail', id, picture };
}
