/** Numbers and recipes in words. */
import type { EditCost } from './editorProtocol.ts';
import type { PictureInfo } from './gallery.ts';
import type { Job, RunState } from './jobs.ts';
import { modelTitle } from './modelTitle.ts';
import { SCHEDULER_TITLES, SIGMA_TITLES } from './schedulers.ts';
import { describeStepPlan, halfStepsOf, readStepPlan } from './stepPlan.ts';
import { formatMacs, formatSeconds } from './units.ts';

export * from './units.ts';

/** The recipe and its cost, as labels and values in reading order. */
export function recipeRows({
  recipe,
  upscaled,
  macs,
  seconds,
  loadSeconds,
}: PictureInfo): [string, string][] {
  const rows: [string, string][] = [['Prompt', recipe.prompt]];
  if (recipe.negativePrompt) rows.push(['Negative prompt', recipe.negativePrompt]);
  if (recipe.style) rows.push(['Style', recipe.style]);
  rows.push(
    ['Seed', String(recipe.seed)],
    ['Steps', stepsOf(recipe)],
    ['Guidance', String(recipe.guidance)],
    ['Size', `${recipe.width} × ${recipe.height}`],
    ['Sampler', SCHEDULER_TITLES[recipe.scheduler] ?? recipe.scheduler],
    ...(recipe.sigmas ? [['Sigmas', SIGMA_TITLES[recipe.sigmas]] as [string, string]] : []),
    ...(recipe.clipSkip ? [['Clip skip', String(recipe.clipSkip)] as [string, string]] : []),
    ['Model', modelTitle(recipe.model)],
    ['Precision', recipe.precision],
    ...budgetRow(recipe),
    ...addedRows(recipe),
    ...(upscaled ? [['Upscaled', upscalingOf(upscaled)] as [string, string]] : []),
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

/** `20, 14 of them at half the resolution`. What a budget has planned stands in its own row. */
function stepsOf({ steps, stepPlan, budget }: PictureInfo['recipe']): string {
  const half = budget ? 0 : halfStepsOf(stepPlan);
  return half > 0 ? `${steps}, ${half} of them at half the resolution` : String(steps);
}

function budgetRow({ budget, stepPlan, steps }: PictureInfo['recipe']): [string, string][] {
  if (!budget) return [];
  const plan = readStepPlan(stepPlan ?? 'F'.repeat(steps));
  return [['Budget', `${formatShare(budget.share)}${plan ? `: ${describeStepPlan(plan)}` : ''}`]];
}

/** What was added to the words. */
function addedRows({
  loras = [],
  steeredBy = [],
  referredTo = [],
  regionPrompts = [],
  maskOf,
}: PictureInfo['recipe']): [string, string][] {
  const share = (of: number) => `${Math.round(100 * of)} %`;
  return [
    ...loras.map(({ lora, strength }): [string, string] => ['LoRA', `${modelTitle(lora)} at ${strength}`]),
    ...steeredBy.map(({ model, hint, strength = 1, start = 0, end = 1 }): [string, string] => {
      const steps = start > 0 || end < 1 ? `, ${share(start)} to ${share(end)} of the steps` : '';
      return ['Control', `${hint ? `${hint}, ` : ''}${modelTitle(model)} at ${strength}${steps}`];
    }),
    ...referredTo.map(({ model, strength }): [string, string] => ['Reference', `${model} at ${strength}`]),
    ...regionPrompts.map((prompt): [string, string] => ['Region', prompt]),
    ...(maskOf ? [['Mask of', maskOf] as [string, string]] : []),
  ];
}

/** `4 ×, 1024 × 1024, by RealESRGAN_x4plus` */
function upscalingOf({ model, scale, width, height }: NonNullable<PictureInfo['upscaled']>): string {
  return `${scale} ×, ${width} × ${height}, by ${model}`;
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
  const sentences = [`${cost.means ?? `${steps} steps`}, seed ${cost.seed}.`];
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

/** `about 12 s left`, `about 2 min 15 s left` */
export function describeRemaining(seconds: number): string {
  return `${formatEstimate(seconds)} left`;
}

/** Time of a job in the queue: what is left of a running one, how long a waiting one takes; empty if unknown. */
export function describeJobTime({ running, run: { remaining } }: Pick<Job, 'running' | 'run'>): string {
  if (remaining === undefined) return '';
  return running ? describeRemaining(remaining) : `takes ${formatEstimate(remaining)}`;
}

/** `about 12 s`, `about 2 min 15 s`; the seconds are rounded the more, the more there are. */
export function formatEstimate(seconds: number): string {
  const grain = seconds < 10 ? 1 : seconds < 60 ? 5 : seconds < 600 ? 15 : 60;
  const whole = Math.max(1, Math.round(seconds / grain) * grain);
  if (whole < 60) return `about ${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  if (minutes >= 60) return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return rest > 0 ? `about ${minutes} min ${rest} s` : `about ${minutes} min`;
}

/** What is happening, as a short phrase. */
export function describeRun(run: RunState): string {
  const { stage, step, steps, cancelling, ahead, stageRemaining } = run;
  if (cancelling) return 'Cancelling…';
  const more = stageRemaining && stageRemaining >= 2 ? `, ${formatEstimate(stageRemaining)} more` : '';
  switch (stage) {
    case 'wait':
      if (!ahead) return 'Waiting for the engine…';
      return `Waiting: ${ahead} ${ahead === 1 ? 'job' : 'jobs'} before this`;
    case 'try':
      return 'Trying the GPU, once…';
    case 'turn':
      return 'Waiting: the GPU computes for another window…';
    case 'load':
      return 'Loading the model…';
    case 'merge':
      return `Merging the LoRA files, once: ${step} of ${steps}${more}`;
    case 'calibrate':
      return `Measuring the model for this precision, once: ${step} of ${steps}${more}`;
    case 'quantize':
      return `Quantizing the model, once: ${step} of ${steps}${more}`;
    case 'encode':
      return 'Reading the prompt…';
    case 'record':
      return `Analysing image: step ${step + 1} of ${steps}`;
    case 'denoise':
      return `Step ${step} of ${steps}`;
    case 'decode':
      return 'Finishing the image…';
    case 'benchmark':
      return steps > 0 ? `Measuring: round ${step} of ${steps}` : 'Preparing…';
    case 'upscale':
      return `Enlarging: tile ${step} of ${steps}`;
  }
}
