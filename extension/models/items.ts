/** The rows of *Manage Models…*, without VS Code's part of them. */
import type { CatalogueEntry, Purpose } from '../../engine/models/catalogue.ts';
import type { InstalledModel } from '../../engine/models/installed.ts';
import { memoryPhrases } from '../../engine/pipelines/memory-sentence.ts';
import { formatBytes } from '../../shared/units.ts';

export type ModelRow =
  | { kind: 'heading'; label: string }
  | {
      kind: 'installed';
      label: string;
      description: string;
      detail: string;
      model: InstalledModel;
      used: boolean;
    }
  | { kind: 'entry'; label: string; description: string; detail: string; entry: CatalogueEntry }
  | { kind: 'action'; label: string; action: 'hub' | 'folder' | 'token' };

export const PURPOSES: Record<Purpose, string> = {
  pictures: 'Image model',
  decoder: 'Fast decoder',
  lora: 'LoRA',
  selection: 'Object selector',
};

/** @param used what the setting patchwork.model says; empty for the embedded model */
export function modelRows(
  installed: readonly InstalledModel[],
  catalogue: readonly CatalogueEntry[],
  used: string,
): ModelRow[] {
  const here = new Set(installed.map(({ id }) => id));
  const about = new Map(catalogue.map((entry) => [entry.id, entry.about]));
  return [
    { kind: 'heading', label: 'On this machine' },
    ...installed.map((model): ModelRow => {
      const inUse = used === model.id || used === model.folder || (used === '' && model.id === 'scenes');
      const purpose = `${PURPOSES[model.purpose]}, ${formatBytes(model.bytes)}`;
      const description = inUse ? `${purpose}, in use` : purpose;
      return {
        kind: 'installed',
        label: model.id,
        description,
        detail: about.get(model.id) ?? model.folder,
        model,
        used: inUse,
      };
    }),
    { kind: 'heading', label: 'To be fetched from the Hugging Face hub' },
    ...catalogue
      .filter(({ id }) => !here.has(id))
      .map((entry): ModelRow => {
        const size = `about ${formatBytes(entry.bytes)}`;
        const description = `${PURPOSES[entry.purpose]}, ${size}, licence ${entry.licence}`;
        // The end of a long line is cut off.
        const detail = [...memoryPhrases(entry).map((phrase) => `${capital(phrase)}.`), entry.about].join(
          ' ',
        );
        return { kind: 'entry', label: entry.id, description, detail, entry };
      }),
    { kind: 'heading', label: 'Others' },
    { kind: 'action', label: 'Another Model of the Hub…', action: 'hub' },
    { kind: 'action', label: 'A Folder on This Machine…', action: 'folder' },
    { kind: 'action', label: 'Set Hugging Face Access Token…', action: 'token' },
  ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
