/**
 * What each step of an image computes, one letter for each step. It is part of the recipe, so edits read what was
 * recorded and every machine does the same.
 */
export const STEP_KINDS = {
  /** The whole network. */
  F: 'in full',
  /** The whole network without guidance: the prompt's branch alone (Kynkäänniemi et al. 2024, arXiv:2404.07724). */
  P: 'without guidance',
  /** Only the finest part, with the deep features of full steps before it (DeepCache, arXiv:2312.00858). */
  d: 'with reused deep features',
  /** The same without guidance. */
  p: 'with reused deep features and without guidance',
  /** Nothing: the denoised result is forecast from those of steps before it (Spectrum, arXiv:2603.01623). */
  '-': 'forecast',
} as const;
export type StepKind = keyof typeof STEP_KINDS;

/** A plan, as `readStepPlan` reads it. */
export interface StepPlan {
  kinds: StepKind[];
  /** How many of the first steps are taken at half the width and height; absent: none. */
  half?: number;
  /** Where the steps are placed, in place of the sampler's own timesteps. */
  timesteps?: number[];
  /** A LoRA file in the model's folder with which they are computed: `budget/few.safetensors`. */
  adapter?: string;
}

const LETTERS = /^[FPdp-]+(?:\/[FPdp-]+)?$/;

/** A path that stays in its folder: no part begins with a dot. */
const ADAPTER = /^@(?=.{1,200}$)(?:[\w-][\w.-]*\/)*[\w-][\w.-]*\.safetensors$/;

/**
 * Reads letters, then the timesteps, if these are not the sampler's, then the adapter, if there is one: `FFF 999 770
 * 410`, `PPP 999 770 410 @budget/few.safetensors`. Steps before a slash are taken at half the width and height: `FF/F`.
 * Undefined for other text.
 */
export function readStepPlan(text: string): StepPlan | undefined {
  const [letters = '', ...words] = text.split(' ');
  const last = words.at(-1) ?? '';
  const adapter = ADAPTER.test(last) ? last.slice(1) : undefined;
  const numbers = adapter === undefined ? words : words.slice(0, -1);
  if (!LETTERS.test(letters)) return undefined;
  const half = letters.indexOf('/');
  const plan = {
    kinds: [...letters.replace('/', '')] as StepKind[],
    ...(half > 0 && { half }),
    ...(adapter !== undefined && { adapter }),
  };
  if (numbers.length === 0) return plan;
  const timesteps = numbers.map((number) => (/^\d{1,6}$/.test(number) ? Number(number) : Number.NaN));
  const falls = timesteps.every((timestep, i) => i === 0 || timestep < timesteps[i - 1]!);
  return falls && timesteps.length === plan.kinds.length ? { ...plan, timesteps } : undefined;
}

/** The text that `readStepPlan` reads. */
export function writeStepPlan({ kinds, half = 0, timesteps = [], adapter }: StepPlan): string {
  const letters = [kinds.slice(0, half), kinds.slice(half)].filter((part) => part.length > 0);
  return [
    letters.map((part) => part.join('')).join('/'),
    ...timesteps,
    ...(adapter === undefined ? [] : [`@${adapter}`]),
  ].join(' ');
}

/** The adapter of a plan, if it has one. */
export function adapterOf(stepPlan: string | undefined): string | undefined {
  return stepPlan === undefined ? undefined : readStepPlan(stepPlan)?.adapter;
}

/** How many of the first steps of a plan are taken at half the width and height. */
export function halfStepsOf(stepPlan: string | undefined): number {
  return (stepPlan === undefined ? undefined : readStepPlan(stepPlan)?.half) ?? 0;
}

/**
 * As how many steps at the whole resolution the last `computed` steps of a plan count, by their positions: one at half the
 * resolution is a quarter. `whole`: how many of them are at the whole one.
 */
export function stepsByPositions(
  stepPlan: string | undefined,
  computed: number,
): { whole: number; equivalent: number } {
  const { kinds = [], half = 0 } = (stepPlan === undefined ? undefined : readStepPlan(stepPlan)) ?? {};
  const whole = half ? Math.min(computed, kinds.slice(half).filter((kind) => kind !== '-').length) : computed;
  return { whole, equivalent: whole + (computed - whole) / 4 };
}

/** Whether every step computes the whole network, though the first ones may be at half the resolution. */
export function isInFull(stepPlan: string | undefined): boolean {
  if (stepPlan === undefined) return true;
  const { kinds, timesteps, adapter } = readStepPlan(stepPlan) ?? {};
  return !timesteps && adapter === undefined && (kinds?.every((kind) => kind === 'F') ?? false);
}

/**
 * What all computed steps of a plan compute, if it is the whole network: `F`, or `P`. Undefined if they differ. Without a
 * plan all are computed in full.
 */
export function wholeStepsOf(stepPlan: string | undefined): 'F' | 'P' | undefined {
  const kinds = stepPlan === undefined ? (['F'] as const) : (readStepPlan(stepPlan)?.kinds ?? []);
  const computed = kinds.filter((kind) => kind !== '-');
  return (['F', 'P'] as const).find(
    (whole) => computed.length > 0 && computed.every((kind) => kind === whole),
  );
}

/** A plan for people: `12 steps, 4 of them forecast`. */
export function describeStepPlan({ kinds, half, timesteps, adapter }: StepPlan): string {
  const means = (Object.keys(STEP_KINDS) as StepKind[]).flatMap((kind) => {
    const count = kinds.filter((one) => one === kind).length;
    if (kind === 'F' || count === 0) return [];
    return [count === kinds.length ? STEP_KINDS[kind] : `${count} ${STEP_KINDS[kind]}`];
  });
  const [, name] = /([^/]*)\.safetensors$/.exec(adapter ?? '') ?? [];
  const adapted = name === undefined ? '' : ` with the adapter ${name}`;
  const placed = timesteps ? ', placed where they matter most' : '';
  const steps = `${kinds.length} ${kinds.length === 1 ? 'step' : 'steps'}`;
  const composed = half ? [`${half} at half the resolution`] : [];
  return [steps + adapted + placed, ...composed, ...means].join(', ');
}
