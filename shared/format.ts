/** Numbers and recipes in words. */
import type { EditCost } from './editorProtocol.ts';
import type { PictureInfo } from './gallery.ts';
import type { RunState } from './jobs.ts';
import { modelTitle } from './modelTitle.ts';

/** `803.3 GMACs` */
export function formatMacs(macs: number): string {
  return `${formatCount(macs)}MACs`;
}

/** `803.3 G`, with a space behind the number whatever its size. */
function formatCount(macs: number): string {
  const units = ['', 'k', 'M', 'G', 'T', 'P'];
  let unit = 0;
  let value = macs;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `1848.5 GMACs`, `112.0 MMACs`: a count among others, which should share a unit where they can. */
export function formatGigaMacs(macs: number): string {
  return macs >= 0.99995e9 ? `${(macs / 1e9).toFixed(1)} GMACs` : formatMacs(macs);
}

/** `0.42 s`, `8.3 s`, `2 min 5 s` */
export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** `36 ms`, `1.80 s`, `2 min 5 s`: a time that is compared with others. */
export function formatLatency(seconds: number): string {
  if (seconds < 0.0995) return `${(1000 * seconds).toPrecision(2)} ms`;
  if (seconds < 0.9995) return `${Math.round(1000 * seconds)} ms`;
  return seconds < 59.95 ? `${seconds.toPrecision(3)} s` : formatSeconds(seconds);
}

/** `64.0 kB`, `1.8 MB`, `3.44 GB` */
export function formatBytes(bytes: number): string {
  if (bytes < 1e5) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Samplers by their usual names. */
export const SCHEDULER_TITLES: Readonly<Record<string, string>> = {
  ddim: 'DDIM',
  euler: 'Euler',
  'euler-a': 'Euler ancestral',
  'dpmpp-2m': 'DPM++ 2M',
  'dpmpp-2m-karras': 'DPM++ 2M Karras',
  unipc: 'UniPC',
  lcm: 'LCM',
};

/** The recipe and its cost, as labels and values in reading order. */
export function recipeRows({ recipe, macs, seconds, loadSeconds }: PictureInfo): [string, string][] {
  const rows: [string, string][] = [['Prompt', recipe.prompt]];
  if (recipe.negativePrompt) rows.push(['Negative prompt', recipe.negativePrompt]);
  rows.push(
    ['Seed', String(recipe.seed)],
    ['Steps', String(recipe.steps)],
    ['Guidance', String(recipe.guidance)],
    ['Size', `${recipe.width} × ${recipe.height}`],
    ['Sampler', SCHEDULER_TITLES[recipe.scheduler] ?? recipe.scheduler],
    ['Model', modelTitle(recipe.model)],
    ['Precision', recipe.precision],
    ['Computed', formatMacs(macs)],
    [
      'Time',
      loadSeconds >= 0.1
        ? `${formatSeconds(seconds)}, ${formatSeconds(loadSeconds)} of it loading`
        : formatSeconds(seconds),
    ],
  );
  return rows;
}

/** What an edit cost, in sentences: `3.1 G of 48.0 G MACs, 0.42 s instead of about 3.9 s`. */
export function describeCost(cost: EditCost): string {
  const { macs, denseMacs, seconds, dense } = cost;
  const work = `${formatCount(macs)} of ${formatCount(denseMacs)} MACs`;
  const time = formatSeconds(seconds);
  if (!dense) return `${work}, ${time}`;
  const other = `${dense.basis === 'measured' ? '' : 'about '}${formatSeconds(dense.seconds)}`;
  return dense.seconds > seconds
    ? `${work}, ${time} instead of ${other}`
    : `${work}, ${time}; densely ${other}`;
}

/** How the figures of `describeCost` came about, a sentence each. */
export function explainCost({ dense, steps, ...cost }: EditCost): string[] {
  const sentences = [`${steps} steps, seed ${cost.seed}.`];
  if (cost.recordedSteps > 0)
    sentences.push(
      `Before, ${cost.recordedSteps} steps were computed in full to study the picture: ${formatMacs(cost.recordingMacs)}, ${formatSeconds(cost.recordSeconds)}. Later edits of it need not.`,
    );
  if (cost.loadSeconds >= 0.1) sentences.push(`Loading the model took ${formatSeconds(cost.loadSeconds)}.`);
  sentences.push(explainDense(dense));
  return sentences;
}

function explainDense(dense: EditCost['dense']): string {
  switch (dense?.basis) {
    case 'measured':
      return 'The dense time was measured with this edit.';
    case 'step':
      return `The dense time is an estimate from ${dense.steps} full steps that this machine has computed with this model.`;
    case 'recording':
      return `The dense time is an estimate from ${dense.steps} full steps that were measured while pictures were studied; recording makes those slower, so it is rather high.`;
    case undefined:
      return 'The dense time is not known: no full step was measured yet.';
  }
}

/** `about 12 s left`, `about 2 min 5 s left`; the seconds are rounded the more, the more there are. */
export function describeRemaining(seconds: number): string {
  const grain = seconds < 10 ? 1 : seconds < 60 ? 5 : seconds < 600 ? 15 : 60;
  const whole = Math.max(1, Math.round(seconds / grain) * grain);
  if (whole < 60) return `about ${whole} s left`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes >= 60) return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
  return rest > 0 ? `about ${minutes} min ${rest} s left` : `about ${minutes} min left`;
}

/** What goes on, as a short phrase. */
export function describeRun({ stage, step, steps, cancelling }: RunState): string {
  if (cancelling) return 'Cancelling…';
  switch (stage) {
    case 'wait':
      return 'Waiting for the engine…';
    case 'load':
      return 'Loading the model…';
    case 'merge':
      return `Merging the LoRA files, once: ${step} of ${steps}`;
    case 'calibrate':
      return `Measuring the model for this precision, once: ${step} of ${steps}`;
    case 'quantize':
      return `Quantizing the model, once: ${step} of ${steps}`;
    case 'encode':
      return 'Reading the prompt…';
    case 'record':
      return `Step ${step + 1} of ${steps}, studying the picture`;
    case 'denoise':
      return `Step ${step} of ${steps}`;
    case 'decode':
      return 'Finishing the image…';
  }
}
