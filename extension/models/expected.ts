/** How long an image takes with a model of the catalogue, and which model suits a machine. */
import os from 'node:os';
import { memoryBytes } from '#host';
import { isGuided } from '../../engine/execution/denoiser-inputs.ts';
import { countMacs } from '../../engine/graph/macs.ts';
import type { Network } from '../../engine/graph/network.ts';
import { ARCHITECTURES } from '../../engine/models/architectures.ts';
import { CATALOGUE, type CatalogueEntry } from '../../engine/models/catalogue.ts';
import { SyntheticModel } from '../../engine/models/synthetic.ts';
import { entryMemory } from '../../engine/pipelines/memory-sentence.ts';
import { modelTitle } from '../../shared/modelTitle.ts';

/** Resources of a machine. */
export interface MachineFacts {
  cores: number;
  memoryBytes: number;
}

/** What this process may use of its machine; in a browser, what WebAssembly can address. */
export function machineFacts(): MachineFacts {
  return { cores: os.availableParallelism(), memoryBytes: memoryBytes() };
}

/** Seconds of the parts of an image. */
interface Parts {
  step: number;
  /** The decoder, which grows with the size like the steps. Text encoders of CLIP's kind are counted here too. */
  other: number;
  /** A language model that reads the prompt, whatever the size. */
  text?: number;
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
/** The row of Stable Diffusion 1.5, from which other architectures are estimated by their operations. */
const SD15_MACS = { step: 803.3e9, decoder: 1257.8e9 };
/** Tokens of a usual prompt with an instruction before it. */
const PROMPT_TOKENS = 350;
/** More cores than these hardly help one image. */
const USEFUL_CORES = 8;

/** About how many seconds an image of the recommended size takes; undefined for models that generate none. */
export function expectedSeconds(
  { architecture = '', purpose, recommended }: CatalogueEntry,
  { cores }: Pick<MachineFacts, 'cores'>,
): number | undefined {
  if (purpose !== 'pictures') return undefined;
  const parts = MEASURED[architecture] ?? estimated(architecture, recommended?.guidance ?? 1);
  if (!parts) return undefined;
  const { steps = 25, width = 512, height = 512 } = recommended ?? {};
  const pixels = (width * height) / MEASURED_PIXELS;
  const speed = Math.max(1, Math.min(cores, USEFUL_CORES)) / MEASURED_CORES;
  return ((steps * parts.step + parts.other) * pixels + (parts.text ?? 0)) / speed;
}

/** Estimate for an architecture that was not measured, from its operations. */
function estimated(architecture: string, guidance: number): Parts | undefined {
  if (!Object.hasOwn(ARCHITECTURES, architecture)) return undefined;
  const model = new SyntheticModel(architecture, '');
  const side = Math.sqrt(MEASURED_PIXELS);
  const denoiser = model.network('denoiser');
  const macs = (network: Network, scale: number, tokens: number, batch = 1) =>
    countMacs(network, { height: side / scale, width: side / scale, batch, tokens }).total;
  const { sd15 } = MEASURED;
  const decoderRate = sd15!.other / SD15_MACS.decoder;
  const batch = isGuided(denoiser, guidance) ? 2 : 1;
  return {
    step: (macs(denoiser, model.autoencoder.scale, PROMPT_TOKENS, batch) * sd15!.step) / SD15_MACS.step,
    other: macs(model.network('vae-decoder'), 1, 0) * decoderRate,
    text: macs(model.network('text-encoder'), 1, PROMPT_TOKENS) * decoderRate,
  };
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
/** Acceptable time for an image, in seconds. */
const PATIENCE = 45;
/** Share of the machine's memory that an image may take. */
const MEMORY_SHARE = 0.6;

/** The most capable model that fits in memory and is fast enough; else the fastest that fits. */
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

/** That a model takes more memory in every precision than a machine has, and what fits; none if it has enough. */
export function refusalSentences(entry: CatalogueEntry, machine: MachineFacts): string[] {
  const needs = Object.values(entryMemory(entry) ?? {}).map(({ tiled }) => tiled);
  if (needs.length === 0 || Math.min(...needs) <= machine.memoryBytes) return [];
  const fitting = recommendedFor(machine);
  return [
    `That is too little, so it cannot generate here; ${fitting ? modelTitle(fitting.id) : modelTitle('scenes')} can.`,
  ];
}
