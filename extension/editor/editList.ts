/** The edits of a picture, as the pages list them. */
import { type EditorHostMessage, type EditRow, needsMask } from '../../shared/editorProtocol.ts';
import { shrunkTo } from '../../shared/raster.ts';
import { isReselectable, type ListedEdit, opacityOf } from './listedEdit.ts';
import { unpacked } from './packed.ts';
import type { Painted } from './painted.ts';

/** Pixels along the longer side of an edit's picture. */
const THUMBNAIL = 72;

export function rowOf(edit: ListedEdit<Painted>): EditRow {
  const { id, label, content, shown, about } = edit;
  const { recipe, cost } = about ?? {};
  return {
    id,
    label,
    kind: content.kind,
    shown,
    picture: edit.variation ?? id,
    variations: variationsOf(edit),
    // Below an enlarged canvas, or beyond a smaller one, there is nothing to be seen.
    ...(content.kind !== 'crop' && !('extension' in content) && { opacity: opacityOf(edit) }),
    reusable: about !== undefined && (isReselectable(edit) || !needsMask(about.draft.way)),
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

interface Pictured {
  id: string;
  content: Exclude<ListedEdit['content'], { kind: 'crop' }>;
}

/** The pictures that rows show, by their ids: of each edit and of its other variations. */
export function picturesOf(edits: readonly ListedEdit<Painted>[]): Pictured[] {
  return edits.flatMap(({ id, variation = id, content, others = [] }) => {
    if (content.kind === 'crop') return [];
    return [{ id: variation, content }, ...others];
  });
}

/** What a page draws beside the row: the painted part, or the coverage of a restoration. */
export async function thumbnailOf({ id, content }: Pictured): Promise<EditorHostMessage> {
  const paint = content.kind === 'paint';
  const channels = paint ? 3 : 1;
  const values = await unpacked(paint ? content.to : content.coverage, channels);
  const picture = shrunkTo(values, channels, THUMBNAIL);
  return { type: 'thumbnail', id, picture };
}
