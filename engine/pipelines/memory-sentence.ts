import { memoryBytes } from '#host';
import { PRECISIONS, PROCESSOR_PRECISIONS, type Precision } from '../../shared/api.ts';
import { formatBytes } from '../../shared/units.ts';
import { isGuided } from '../execution/denoiser-inputs.ts';
import { type MemoryNeeds, type PlannedModel, predictMemory } from '../execution/memory-plan.ts';
import { ARCHITECTURES, configOf } from '../models/architectures.ts';
import type { CatalogueEntry } from '../models/catalogue.ts';
import { SyntheticModel } from '../models/synthetic.ts';

type EntryMemory = Record<Precision, Omit<MemoryNeeds, 'denoiser'>>;

/** What was predicted before: it depends on the entry alone, and a whole catalogue takes a second. */
const predicted = new WeakMap<CatalogueEntry, EntryMemory | undefined>();

/** Predicted peaks of an image of an entry's recommended size; undefined for models that do not generate images. */
export function entryMemory(entry: CatalogueEntry): EntryMemory | undefined {
  if (!predicted.has(entry)) predicted.set(entry, predictEntry(entry));
  return predicted.get(entry);
}

function predictEntry({ architecture, recommended }: CatalogueEntry): EntryMemory | undefined {
  if (!architecture) return undefined;
  const { width = 512, height = 512, guidance = 7.5 } = recommended ?? {};
  const model = plannedArchitecture(architecture);
  const guided = isGuided(model.network('denoiser'), guidance);
  const picture = { width, height, batch: guided ? 2 : 1 };
  const needs = PRECISIONS.map((precision) => {
    const { denoiser, ...peaks } = predictMemory(model, { ...picture, precision });
    return [precision, peaks];
  });
  return Object.fromEntries(needs) as EntryMemory;
}

/** The prediction as a short phrase; undefined for models that do not generate images. */
function memoryPhrases(entry: CatalogueEntry): string[] {
  const needs = entryMemory(entry);
  if (!needs) return [];
  const amounts = PROCESSOR_PRECISIONS.map((precision) => formatBytes(needs[precision].tiled));
  // Often the decoder takes the most, whatever the precision.
  if (new Set(amounts).size === 1) return [`takes about ${amounts[0]}`];
  return [`takes about ${amounts.map((amount, i) => `${amount} in ${PROCESSOR_PRECISIONS[i]}`).join(', ')}`];
}

/** The prediction as a sentence, compared with the machine's memory. */
export function memorySentences(entry: CatalogueEntry): string[] {
  const { width = 512, height = 512 } = entry.recommended ?? {};
  return memoryPhrases(entry).map(
    (phrase) =>
      `Drawing ${width}x${height} pixels ${phrase} of memory at least; this machine has ${formatBytes(memoryBytes())}.`,
  );
}

/** An architecture's definition, without weights. */
function plannedArchitecture(name: string): PlannedModel {
  const model = new SyntheticModel(name, '');
  const second = configOf(ARCHITECTURES[name]!, 'text-encoder-2') ? (['text-encoder-2'] as const) : [];
  return {
    name,
    autoencoder: model.autoencoder,
    sizes: model.sizes,
    textRoles: ['text-encoder', ...second],
    network: (part) => model.network(part),
  };
}
