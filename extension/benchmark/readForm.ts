import path from 'node:path';
import { isSightCase } from '../../engine/benchmark/sight/cases/index.ts';
import { InputError } from '../../engine/errors.ts';
import {
  type BenchmarkMask,
  type BenchmarkRequest,
  DEVICE_IDS,
  PRECISIONS,
  type Precision,
} from '../../shared/api.ts';
import type { BenchmarkDraft } from '../../shared/benchmark/protocol.ts';
import { SIGE } from '../../shared/benchmark/published.ts';
import { BENCHMARK_LIMITS, LIMITS } from '../../shared/limits.ts';
import { parseSize } from '../../shared/sizes.ts';

/** Sources of the form's masks. */
export interface MaskSource {
  drawn?: Uint8Array;
  readFile(file: string): Promise<Uint8Array>;
  /** The masks that come with the extension, by name. */
  readShipped(name: string): Promise<Uint8Array>;
}

/**
 * The request that a form asks for.
 * @throws InputError naming the field and what it may be
 */
export async function requestOf(
  draft: BenchmarkDraft,
  { masked, shared }: { masked: boolean; shared: boolean },
  source: MaskSource,
): Promise<BenchmarkRequest> {
  if (draft.cases.length === 0) throw new InputError('Choose at least one mode.');
  return {
    // A segmenter has a size of its own, and nothing else is run.
    ...(!draft.cases.every(isSightCase) && subjectOf(draft)),
    cases: draft.cases,
    ...(draft.segmenter && { segmenter: draft.segmenter }),
    precisions: precisionsOf(draft),
    ...devicesOf(draft),
    masks: masked ? await masksOf(draft, source) : [],
    ...(shared && { workers: workersOf(draft) }),
    repeat: whole('Timed runs', draft.repeat, 5, BENCHMARK_LIMITS.repeat),
    ...threadsOf(draft),
    profile: draft.profile,
    isolate: draft.isolate,
    ...(draft.scope === 'whole' && { whole: wholeOf(draft) }),
  };
}

/** In the engine's order. @throws InputError if none is chosen */
function precisionsOf({ precisions }: BenchmarkDraft): Precision[] {
  const chosen = PRECISIONS.filter((precision) => precisions.includes(precision));
  if (chosen.length === 0) throw new InputError('Choose at least one precision.');
  return chosen;
}

/** Empty for the chosen one. */
function devicesOf({ devices }: BenchmarkDraft): Pick<BenchmarkRequest, 'devices'> {
  const chosen = DEVICE_IDS.filter((id) => devices.includes(id));
  return chosen.length > 0 ? { devices: chosen } : {};
}

/** Empty for the setting's. */
function threadsOf({ threads }: BenchmarkDraft): Pick<BenchmarkRequest, 'threads'> {
  const { max } = LIMITS.threads;
  if (threads.trim() === '') return {};
  const count = numberIn(threads, { min: 0, max });
  if (count === undefined) throw new InputError(`Threads: enter a whole number, 0 (automatic) to ${max}.`);
  return { threads: count };
}

/** @throws InputError if the text is not a list of numbers of workers */
function workersOf({ workers }: BenchmarkDraft): number[] {
  const counts = workers.split(/[\s,;]+/).filter(Boolean);
  if (counts.length === 0) throw new InputError('Workers: enter how many, like 2 or 2, 4.');
  return counts.map((count) => whole('Workers', count, 2, { min: 1, max: LIMITS.workers.max }));
}

/** Model and size. */
export function subjectOf(draft: BenchmarkDraft): Pick<BenchmarkRequest, 'model' | 'width' | 'height'> {
  return { ...modelOf(draft), ...sizeOf(draft.size) };
}

function modelOf({ model, folder }: BenchmarkDraft): Pick<BenchmarkRequest, 'model'> {
  if (model === '') return {};
  if (model !== 'folder') return { model };
  if (!folder) throw new InputError('Choose a model folder first.');
  return { model: folder };
}

function sizeOf(text: string): Pick<BenchmarkRequest, 'width' | 'height'> {
  if (text.trim() === '') return {};
  const size = parseSize(text);
  if (!size) throw new InputError(`Size: enter width × height, like 512x512, not “${text}”.`);
  return size;
}

async function masksOf(
  { maskKind, share, maskFile }: BenchmarkDraft,
  { drawn, readFile, readShipped }: MaskSource,
): Promise<BenchmarkMask[]> {
  if (maskKind === 'sige')
    return Promise.all(
      SIGE.rows.map(async ({ mask }) => ({
        name: mask,
        image: await readShipped(`${mask}.active-64x128.png`),
      })),
    );
  if (maskKind === 'drawn') {
    if (!drawn) throw new InputError('Draw a mask first.');
    return [{ name: 'drawn', image: drawn }];
  }
  if (maskKind === 'file') {
    if (!maskFile) throw new InputError('Choose a mask file first.');
    const name = path.basename(maskFile).replace(/\.[^.]*$/, '');
    return [{ name, image: await readFile(maskFile) }];
  }
  const percent = Number(share);
  if (!(percent > 0 && percent <= 100))
    throw new InputError('Mask area: enter more than 0 and at most 100 %.');
  return [{ name: `${percent} %`, share: percent / 100 }];
}

function wholeOf({ prompt, editPrompt, steps }: BenchmarkDraft) {
  if (!prompt.trim() || !editPrompt.trim())
    throw new InputError('Enter a prompt for the image and one for the edit.');
  return {
    prompt: prompt.trim(),
    editPrompt: editPrompt.trim(),
    steps: whole('Steps', steps, undefined, LIMITS.steps),
  };
}

function whole<Default extends number | undefined>(
  name: string,
  text: string,
  fallback: Default,
  { min, max }: { min: number; max: number },
) {
  if (text.trim() === '') return fallback;
  const value = numberIn(text, { min, max });
  if (value === undefined) throw new InputError(`${name} must be a whole number from ${min} to ${max}.`);
  return value;
}

function numberIn(text: string, { min, max }: { min: number; max: number }): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text.trim()) && value >= min && value <= max ? value : undefined;
}
