/** Numbers and recipes in words. */
import type { EditCost } from './editorProtocol.ts';
import type { PictureInfo, RunState } from './viewProtocol.ts';

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

const SCHEDULER_TITLES = {
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
    ['Scheduler', SCHEDULER_TITLES[recipe.scheduler] ?? recipe.scheduler],
    ['Model', recipe.model],
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

/**
 * What an edit cost, the time of all first: `10.1 s: 6.9 s analysing the image once, 2.0 s painting (full recompute:
 * about 5.0 s)`.
 */
export function describeCost(cost: EditCost): string {
  const { loadSeconds, recordSeconds, seconds, dense } = cost;
  const before: [seconds: number, what: string][] = [
    [loadSeconds, 'loading the model'],
    [recordSeconds, 'analysing the image once'],
  ];
  const parts = before.filter(([part]) => part >= 0.1);
  const painting = seconds - parts.reduce((sum, [part]) => sum + part, 0);
  const named = parts.length > 0 ? [...parts, [painting, 'painting'] as const] : [];
  const list = named.map(([part, what]) => `${formatSeconds(part)} ${what}`).join(', ');
  const time = formatSeconds(seconds) + (list && `: ${list}`);
  if (isFull(cost)) return `${time} (full recompute)`;
  const other = dense && `${dense.measured ? '' : 'about '}${formatSeconds(dense.seconds)}`;
  return `${time} · ${formatShare(cost.activeFraction[0] ?? 1)} computed${other ? ` (full recompute: ${other})` : ''}`;
}

/** How the figures of `describeCost` came about, a sentence each. */
export function explainCost(cost: EditCost): string[] {
  const { dense, recordedSteps, steps } = cost;
  const sentences = [`${steps} steps, seed ${cost.seed}.`];
  if (recordedSteps > 0)
    sentences.push(
      `The whole image was analysed once (${recordedSteps} steps, ${formatSeconds(cost.recordSeconds)}, ${formatMacs(cost.recordingMacs)}). Later edits skip this.`,
    );
  if (isFull(cost)) {
    sentences.push(`Everything was computed: ${formatMacs(cost.macs)}.`);
    return sentences;
  }
  sentences.push(
    `Painting took ${formatMacs(cost.macs)} of the ${formatMacs(cost.denseMacs)} of a full recompute.`,
  );
  if (dense?.measured) sentences.push('The time of the full recompute was measured with this edit.');
  else if (dense)
    sentences.push(
      'The time of the full recompute is estimated from full steps that this machine computed at this size.',
    );
  else
    sentences.push(
      'This machine has not computed full steps at this size yet, so there is no time to compare with.',
    );
  return sentences;
}

function isFull({ computed }: EditCost): boolean {
  return computed.length === 0;
}

/** `4.5 %`, `32 %` */
export function formatShare(fraction: number): string {
  return `${fraction < 0.095 ? (100 * fraction).toFixed(1) : Math.round(100 * fraction)} %`;
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
      return `Analysing image: step ${step + 1} of ${steps}`;
    case 'denoise':
      return `Step ${step} of ${steps}`;
    case 'decode':
      return 'Finishing the image…';
  }
}
