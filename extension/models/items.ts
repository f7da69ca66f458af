/** The rows of *Manage Models…*, without VS Code's part of them. */
import type { CatalogueEntry, InstalledModel, Purpose } from '../../engine/models/catalogue.ts';
import { modelTitle } from '../../shared/modelTitle.ts';
import { formatBytes } from '../../shared/units.ts';
import { expectedMemory, expectedSeconds, type MachineFacts, recommendedFor } from './expected.ts';

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
  | { kind: 'action'; label: string; action: 'hub' | 'folder' | 'file' | 'token' };

export const PURPOSES: Record<Purpose, string> = {
  pictures: 'Image model',
  edits: 'Editing model',
  decoder: 'Fast decoder',
  lora: 'LoRA',
  selection: 'Object selector',
  autoencoder: 'VAE',
  text: 'Text encoder',
  part: 'Part of a model',
  embedding: 'Embedding',
  control: 'ControlNet',
  reference: 'IP-Adapter',
  upscaler: 'Upscaler',
};

/** Models that come with Patchwork. */
const EMBEDDED: Readonly<Record<string, { label: string; about: string }>> = {
  scenes: {
    label: modelTitle('scenes'),
    about: 'Built in. Simple landscapes with 16 kinds of object; knows nothing else',
  },
  sight: {
    label: 'Scenes selector',
    about: 'Built in. Selects and names objects in drawings of Scenes',
  },
};

/** A model's name for people. */
export function labelOf({ id, removable }: Pick<InstalledModel, 'id' | 'removable'>): string {
  return (removable ? undefined : EMBEDDED[id]?.label) ?? modelTitle(id);
}

export interface Situation {
  /** The setting patchwork.model; empty for the embedded model. */
  used: string;
  /** The model that edits for it, if that is another one: a name of the hub or a folder. */
  editing?: string;
  machine: MachineFacts;
  /** Seconds that an image of a model has taken on this machine, if known. */
  measured?: (id: string) => number | undefined;
}

export function modelRows(
  installed: readonly InstalledModel[],
  catalogue: readonly CatalogueEntry[],
  situation: Situation,
): ModelRow[] {
  const here = new Set(installed.map(({ id }) => id));
  const missing = catalogue.filter(({ id }) => !here.has(id));
  const best = recommendedFor(situation.machine);
  const offered = missing.find(({ id }) => id === best?.id);
  const time = (entry: CatalogueEntry) => expectedSeconds(entry, situation.machine) ?? Infinity;
  const rest = missing.filter((entry) => entry !== offered).sort((a, b) => time(a) - time(b));
  return [
    { kind: 'heading', label: 'On this machine' },
    ...installed.map((model) => installedRow(model, catalogue, situation)),
    ...(offered
      ? [{ kind: 'heading' as const, label: 'Recommended' }, entryRow(offered, situation.machine)]
      : []),
    { kind: 'heading', label: 'On Hugging Face' },
    ...rest.map((entry) => entryRow(entry, situation.machine)),
    { kind: 'heading', label: 'Others' },
    { kind: 'action', label: 'Other Hugging Face Model…', action: 'hub' },
    { kind: 'action', label: 'A File on This Machine…', action: 'file' },
    { kind: 'action', label: 'A Folder on This Machine…', action: 'folder' },
    { kind: 'action', label: 'Set Hugging Face Access Token…', action: 'token' },
  ];
}

function installedRow(
  model: InstalledModel,
  catalogue: readonly CatalogueEntry[],
  { used, editing, machine, measured }: Situation,
): ModelRow {
  const { id, folder, purpose, bytes } = model;
  const active = [used || 'scenes', editing].some((name) => name === id || name === folder);
  const embedded = model.removable ? undefined : EMBEDDED[id];
  const entry = catalogue.find((other) => other.id === id);
  const seconds = measured?.(id);
  const estimated = entry && expectedSeconds(entry, machine);
  const facts = [
    ...kindOf(purpose),
    ...(seconds !== undefined ? [`${waiting(seconds)} an image here`] : estimate(estimated)),
    formatBytes(bytes),
    ...(active ? ['active'] : []),
  ];
  return {
    kind: 'installed',
    label: labelOf(model),
    description: facts.join(' · '),
    detail: embedded?.about ?? entry?.about ?? folder,
    model,
    used: active,
  };
}

function entryRow(entry: CatalogueEntry, machine: MachineFacts): ModelRow {
  const seconds = expectedSeconds(entry, machine);
  const memory = expectedMemory(entry);
  const facts = [...kindOf(entry.purpose), ...estimate(seconds), `${formatBytes(entry.bytes)} download`];
  const needs = memory === undefined ? [] : [`${formatBytes(memory)} of memory`];
  return {
    kind: 'entry',
    label: entry.id,
    description: facts.join(' · '),
    // The end of a long line is cut off.
    detail: [entry.about, ...needs, `licence ${entry.licence}`].join('; '),
    entry,
  };
}

/** The time of a model that was not run on this machine. */
function estimate(seconds: number | undefined): string[] {
  return seconds === undefined ? [] : [`about ${waiting(seconds)} an image`];
}

/** Image models need no name of their kind: theirs is the time of an image. */
function kindOf(purpose: Purpose): string[] {
  return purpose === 'pictures' ? [] : [PURPOSES[purpose]];
}

/** `20 s`, `2.5 min`: coarse, since it is estimated. */
function waiting(seconds: number): string {
  if (seconds < 10) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 55) return `${5 * Math.round(seconds / 5)} s`;
  const minutes = seconds / 60;
  return `${minutes < 4.75 ? Math.round(2 * minutes) / 2 : Math.round(minutes)} min`;
}
