import os from 'node:os';
import type { BenchmarkCost } from '../../engine/benchmark/cost.ts';
import { isSightCase } from '../../engine/benchmark/sight/cases/index.ts';
import { STEP_CASES } from '../../engine/benchmark/step/cases/index.ts';
import { WHOLE_CASES } from '../../engine/benchmark/whole/cases/index.ts';
import type { BenchmarkRequest, Precision } from '../../shared/api.ts';
import { formatBytes, formatGigaMacs, formatLatency } from '../../shared/format.ts';
import { modelTitle } from '../../shared/modelTitle.ts';

/** In float32 these cases run planar, the others in rows form; with other precisions there is one form. */
const PLANAR = ['dense', 'generate'];
/** Each worker has a form of its own. */
const SHARED = [...STEP_CASES, ...WHOLE_CASES].filter(({ shared }) => shared).map(({ name }) => name);
/** Bytes of a weight over those of a float32. */
const SHARE: Readonly<Record<Precision, number>> = { fp32: 1, fp16: 1 / 2, int8: 1 / 4, int4: 1 / 8 };
/** Below this, the cost of a run need not be mentioned. */
const WORTH_TELLING = 200e6;

/** The cost of a run, in sentences. @param stepSeconds time of such a step on this machine, if known */
export function costSentences(
  { model, synthetic, weightBytes, stepMacs, width, height }: BenchmarkCost,
  {
    cases,
    precisions = ['fp32'],
    workers = [2],
    whole,
  }: Pick<BenchmarkRequest, 'cases' | 'precisions' | 'workers'> & { whole?: boolean },
  stepSeconds?: number,
): string[] {
  // A segmenter costs little.
  if (cases.length > 0 && cases.every(isSightCase)) return [];
  const alone = cases.filter((name) => !SHARED.includes(name));
  const floatForms = new Set(alone.map((name) => PLANAR.includes(name))).size;
  // Whole pictures take the same workers one after another, single steps have theirs ready side by side.
  const crews = whole ? Math.min(1, cases.length - alone.length) : cases.length - alone.length;
  const members = crews * workers.reduce((a, b) => a + b);
  const forms = precisions.map(
    (precision) =>
      SHARE[precision] * (members + (precision === 'fp32' ? floatForms : Math.min(1, alone.length))),
  );
  // Each form packs the weights once, from their file, which stays mapped during that time.
  const memory = weightBytes * forms.reduce((sum, form) => sum + form, 1);
  const sentences = [
    `${modelTitle(model)} at ${width}×${height}: a dense step is ${formatGigaMacs(stepMacs)}.`,
  ];
  if (stepSeconds) sentences.push(`On this machine it takes about ${formatLatency(stepSeconds)}.`);
  if (weightBytes < WORTH_TELLING) return sentences;
  if (synthetic)
    sentences.push(
      `${formatBytes(weightBytes)} of synthetic weights are written once and kept in Patchwork's cache folder.`,
    );
  const free = os.freemem();
  sentences.push(
    memory > free
      ? `It takes about ${formatBytes(memory)} of memory, more than the ${formatBytes(free)} that are free.`
      : `It takes about ${formatBytes(memory)} of memory; ${formatBytes(free)} are free.`,
  );
  return sentences;
}
