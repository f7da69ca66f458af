/** How long an image takes with a model of the catalogue, and which model suits a machine. */
import { CATALOGUE, type CatalogueEntry } from '../../engine/models/catalogue.ts';
import { entryMemory } from '../../engine/pipelines/memory-sentence.ts';

/** What a machine has. */
export interface MachineFacts {
  cores: number;
  memoryBytes: number;
}

/** Seconds of the parts of an image. */
interface Parts {
  step: number;
  /** Text encoders and decoder. */
  other: number;
}

/**
 * Measured on two cores (AMD EPYC, AVX2) at 512×512 in int8, the default of large models; docs/models.md has the table
 * and the command.
 */
const MEASURED: Readonly<Record<string, Parts>> = {
  'bk-sdm-tiny': { step: 5.0, other: 14.7 },
  'bk-sdm-small': { step: 5.0, other: 14.7 },
  lcm: { step: 4.1, other: 14.7 },
  sd21: { step: 4.3, other: 14.7 },
  sd15: { step: 8.3, other: 14.7 },
  sdxl: { step: 5.9, other: 15.4 },
  'ssd-1b': { step: 9.2, other: 15.4 },
};
const MEASURED_CORES = 2;
const MEASURED_PIXELS = 512 * 512;
/** More cores than these hardly help one image. */
const USEFUL_CORES = 8;

/** About how many seconds an image of the recommended size takes; undefined for what makes none. */
export function expectedSeconds(
  { architecture = '', recommended }: CatalogueEntry,
  { cores }: Pick<MachineFacts, 'cores'>,
): number | undefined {
  const parts = MEASURED[architecture];
  if (!parts) return undefined;
  const { steps = 25, width = 512, height = 512 } = recommended ?? {};
  const pixels = (width * height) / MEASURED_PIXELS;
  const speed = Math.max(1, Math.min(cores, USEFUL_CORES)) / MEASURED_CORES;
  return ((steps * parts.step + parts.other) * pixels) / speed;
}

/** Bytes of memory that an image takes at least, in the precision that is chosen by default. */
export function expectedMemory(entry: CatalogueEntry): number | undefined {
  return entryMemory(entry)?.int8.tiled;
}

/** From the most to the least capable. Models that forbid commercial use are not recommended. */
const RANKING = [
  'segmind/SSD-1B',
  'stable-diffusion-v1-5/stable-diffusion-v1-5',
  'SimianLuo/LCM_Dreamshaper_v7',
  'stabilityai/sd-turbo',
  'nota-ai/bk-sdm-tiny',
];
/** What people wait for an image without being annoyed, in seconds. */
const PATIENCE = 45;
/** Share of the machine's memory that an image may take. */
const MEMORY_SHARE = 0.6;

/** The most capable model that fits the machine's memory and patience; else the fastest that fits. */
export function recommendedFor(machine: MachineFacts): CatalogueEntry | undefined {
  const entries = RANKING.flatMap((id) => CATALOGUE.filter((entry) => entry.id === id));
  const fitting = entries.filter(
    (entry) => (expectedMemory(entry) ?? Infinity) <= MEMORY_SHARE * machine.memoryBytes,
  );
  const seconds = (entry: CatalogueEntry) => expectedSeconds(entry, machine) ?? Infinity;
  return (
    fitting.find((entry) => seconds(entry) <= PATIENCE) ??
    [...fitting].sort((a, b) => seconds(a) - seconds(b))[0]
  );
}
