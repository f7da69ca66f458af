import { type CatalogueEntry, catalogueEntry } from '../../engine/models/catalogue.ts';
import type { EditorState } from '../../shared/editorProtocol.ts';
import { formatBytes } from '../../shared/units.ts';

/** A button of the image editor that downloads a model of the catalogue. */
export function offerOf({ id, about, bytes }: CatalogueEntry): NonNullable<EditorState['offer']> {
  const size = bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : formatBytes(bytes);
  return { model: id, text: `Get ${about.split(':')[0]} (${size})…` };
}

/** What is said once a model that was offered is here. */
export function installedSentence(model: string): string {
  return catalogueEntry(model)?.purpose === 'edits'
    ? 'Installed. It makes the edits from now on.'
    : 'Installed. Click the object again.';
}
