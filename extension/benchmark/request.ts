import path from 'node:path';
import { isSightCase } from '../../engine/benchmark/sight/cases/index.ts';
import { InputError } from '../../engine/errors.ts';
import { type BenchmarkMask, type BenchmarkRequest, PRECISIONS, type Precision } from '../../shared/api.ts';
import type { BenchmarkDraft } from '../../shared/benchmark/protocol.ts';
import { BENCHMARK_LIMITS, LIMITS } from '../../shared/limits.ts';

/** What the form's masks are read from. */
interface MaskSource {
  drawn?: Uint8Array;
  readFile(file: string): Promise<Uint8Array>;
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
    masks: masked ? [await maskOf(draft, source)] : [],
    ...(shared && { workers: workersOf(draft) }),
    repeat: whole('Repeats', draft.repeat, 5, BENCHMARK_LIMITS.repeat.max),
    ...(draft.threads.trim() && { threads: whole('Threads', draft.threads, undefined, LIMITS.threads.max) }),
    profile: draft.profile,
    isolate: draft.isolate,
    ...(draft.scope === 'whole' && { whole: wholeOf(draft) }),
  };
}

/** In the engine's order; float32 where none is chosen. */
export function precisionsOf({ precisions }: BenchmarkDraft): Precision[] {
  const chosen = PRECISIONS.filter((precision) => precisions.includes(precision));
  return chosen.length > 0 ? chosen : ['fp32'];
}

/** @throws InputError for what are no numbers of workers */
export function workersOf({ workers }: BenchmarkDraft): number[] {
  const counts = workers.split(/[\s,;]+/).filter(Boolean);
  if (counts.length === 0) throw new InputError('Say how many workers: like 2, or 2, 4.');
  return counts.map((count) => whole('Workers', count, 2, LIMITS.workers.max));
}

/** Model and size alone: enough to tell what a run costs. */
export function subjectOf(draft: BenchmarkDraft): Pick<BenchmarkRequest, 'model' | 'width' | 'height'> {
  return { ...modelOf(draft), ...sizeOf(draft.size) };
}

function modelOf({ model, folder }: BenchmarkDraft): Pick<BenchmarkRequest, 'model'> {
  if (model === '') return {};
  if (model !== 'folder') return { model };
  if (!folder) throw new InputError('Choose the model folder first.');
  return { model: folder };
}

function sizeOf(text: string): Pick<BenchmarkRequest, 'width' | 'height'> {
  if (text.trim() === '') return {};
  const [, width, height] = /^\s*(\d{1,5})\s*[x×]\s*(\d{1,5})\s*$/i.exec(text) ?? [];
  if (!width || !height) throw new InputError(`The size must be like 512x512, not “${text}”.`);
  return { width: Number(width), height: Number(height) };
}

async function maskOf(
  { maskKind, share, maskFile }: BenchmarkDraft,
  { drawn, readFile }: MaskSource,
): Promise<BenchmarkMask> {
  if (maskKind === 'drawn') {
    if (!drawn) throw new InputError('Draw the mask first: nothing is painted yet.');
    return { name: 'drawn', image: drawn };
  }
  if (maskKind === 'file') {
    if (!maskFile) throw new InputError("Choose the mask's file first.");
    return { name: path.basename(maskFile).replace(/\.[^.]*$/, ''), image: await readFile(maskFile) };
  }
  const percent = Number(share);
  if (!(percent > 0 && percent <= 100))
    throw new InputError(`The mask's share must be a number up to 100 %, not “${share}”.`);
  return { name: `${percent} %`, share: percent / 100 };
}

function wholeOf({ prompt, editPrompt, steps }: BenchmarkDraft) {
  if (!prompt.trim() || !editPrompt.trim())
    throw new InputError('Say what the picture shows, and what the edit paints.');
  return {
    prompt: prompt.trim(),
    editPrompt: editPrompt.trim(),
    steps: whole('Steps', steps, undefined, LIMITS.steps.max),
  };
}

function whole<Default extends number | undefined>(
  name: string,
  text: string,
  fallback: Default,
  max: number,
) {
  if (text.trim() === '') return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text.trim()) || value < 1 || value > max)
    throw new InputError(`${name} must be a whole number from 1 to ${max}, not “${text}”.`);
  return value;
}
