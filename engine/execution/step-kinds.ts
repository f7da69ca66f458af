import {
  halfStepsOf,
  readStepPlan,
  type StepKind,
  type StepPlan,
  writeStepPlan,
} from '../../shared/stepPlan.ts';
import { InputError } from '../errors.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Denoiser } from './denoiser.ts';

/** Computed steps whose results a forecast reads. */
export const FORECAST_FROM = 2;

/** The refusal if workers should share an edit with other kinds of steps than full ones. */
export const ALONE =
  'Workers compute every step of an edit in full: leave out the workers, or take a plan that only has full steps.';

/** @throws InputError for steps that the workers of a new image cannot share */
export function requireShareable(kinds: readonly StepKind[]): void {
  if (kinds.every((kind) => kind === 'F' || kind === 'd')) return;
  throw new InputError(
    'Workers compute steps with guidance, in full (F) or with reused deep features (d): leave out the workers, or take a plan of such steps.',
  );
}

/** @throws InputError for a plan with steps at half the resolution, where none can be taken */
export function requireWholeSize(stepPlan: string | undefined): void {
  if (halfStepsOf(stepPlan) === 0) return;
  throw new InputError(
    `The step plan ${stepPlan} cannot be used here: images that are steered by more than a prompt, and what workers compute, have no steps at half the resolution. Leave out its slash.`,
    { setting: 'budget' },
  );
}

/** Every step from `start` on in full. */
export function fullSteps({ timesteps }: Pick<Scheduler, 'timesteps'>, start = 0): StepKind[] {
  return timesteps.slice(start).map(() => 'F');
}

/** Whether a step runs the network at all. */
export function isComputed(kind: StepKind): boolean {
  return kind !== '-';
}

/** Of one value for each step, those of the steps that are computed. */
export function computedOnly<T>(values: readonly T[], kinds?: readonly StepKind[]): T[] {
  return values.filter((_, i) => !kinds || isComputed(kinds[i]!));
}

/** Whether a step runs only the finest part of the network. */
export function isShallow(kind: StepKind): boolean {
  return kind === 'd' || kind === 'p';
}

/** Whether a step runs both branches of guidance. */
export function isGuidedStep(kind: StepKind): boolean {
  return kind === 'F' || kind === 'd';
}

/**
 * What the steps from `start` on compute. A step that would read earlier ones is computed if there are none, so
 * the first one always is.
 */
export function kindsFrom(kinds: readonly StepKind[], start: number): StepKind[] {
  const computed: StepKind[] = [];
  for (const kind of kinds.slice(start)) {
    const isFirst = computed.length === 0;
    // Without guidance a full step gives deep features of the prompt's branch alone.
    const last = computed.findLast((one) => one === 'F' || one === 'P');
    if (kind === '-' && isFirst) computed.push('F');
    else if (kind === 'd' && last !== 'F') computed.push('F');
    else if (kind === 'p' && last === undefined) computed.push('P');
    else computed.push(kind);
  }
  return computed;
}

/**
 * What the steps of a recipe compute from `start` on; undefined if all are computed in full.
 * @throws InputError if its plan does not fit the steps, the sampler or the network
 */
export function kindsOf(
  { stepPlan }: { stepPlan?: string | undefined },
  scheduler: Scheduler,
  denoiser: Denoiser,
  start = 0,
): StepKind[] | undefined {
  if (stepPlan === undefined) return undefined;
  const plan = readStepPlan(stepPlan);
  if (!plan) throw new InputError(`The step plan ${stepPlan} is not known to this version.`);
  requireUsable(plan, scheduler, denoiser);
  const kinds = kindsFrom(plan.kinds, start);
  return kinds.some((kind) => kind !== 'F') ? kinds : undefined;
}

/** The last full step before a shallow one, whose deep features it reads. */
export function sourceOf(kinds: readonly (StepKind | undefined)[], index: number): number | undefined {
  const source = kinds.slice(0, index).findLastIndex((kind) => kind === 'F' || kind === 'P');
  return source < 0 ? undefined : source;
}

/**
 * What the features of a step depend on beside its timestep: the branches, and for a shallow step where its deep
 * features come from. Undefined where nothing is computed.
 */
export function wayOf(
  kinds: readonly (StepKind | undefined)[],
  timesteps: readonly number[],
  index: number,
): string | undefined {
  const kind = kinds[index];
  if (!kind || kind === '-') return undefined;
  const isAlone = isGuidedStep(kind) ? '' : 'alone';
  const source = isShallow(kind) ? `from ${timesteps[sourceOf(kinds, index)!]}` : '';
  return [isAlone, source].join(' ').trim();
}

/** Timestep and way of the steps from `start` on. */
export function waysOf(
  timesteps: readonly number[],
  start: number,
  kinds: readonly StepKind[] = timesteps.slice(start).map(() => 'F'),
): { timestep: number; way: string | undefined }[] {
  const all = [...new Array<undefined>(start).fill(undefined), ...kinds];
  return kinds.map((_, i) => ({
    timestep: timesteps[start + i]!,
    way: wayOf(all, timesteps, start + i),
  }));
}

function requireUsable(
  { kinds, half = 0 }: StepPlan,
  { timesteps, stochastic, runs = 1 }: Pick<Scheduler, 'timesteps' | 'stochastic' | 'runs'>,
  denoiser: Pick<Denoiser, 'reuses'>,
): void {
  const plan = writeStepPlan({ kinds, half });
  const refuse = (sentence: string) => {
    throw new InputError(`The step plan ${plan} cannot be used: ${sentence}.`, { setting: 'budget' });
  };
  if (kinds.length !== timesteps.length)
    refuse(`it has ${kinds.length} steps, and the image ${timesteps.length}`);
  if (kinds[0] !== 'F' && kinds[0] !== 'P') refuse('its first step must be computed in full');
  if (kinds[half] !== 'F' && kinds[half] !== 'P')
    refuse('its first step at the whole resolution must be computed in full');
  if (stochastic && kinds.includes('-'))
    refuse('this sampler draws noise in every step, so none can be forecast');
  if (runs > 1 && kinds.includes('-'))
    refuse('this sampler asks the network twice in a step, so none can be forecast');
  if (runs > 1 && half > 0)
    refuse('this sampler asks the network twice in a step, so all steps have one resolution');
  if (!denoiser.reuses && kinds.some(isShallow))
    refuse("this model's network has no deep features that steps can share");
}
