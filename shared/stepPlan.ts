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
  /** Where the steps are placed, in place of the sampler's own timesteps. */
  timesteps?: number[];
}

const LETTERS = /^[FPdp-]+$/;

/**
 * Reads letters, and after them the timesteps, if these are not the sampler's: `FFF 999 770 410`. Undefined for other
 * text.
 */
export function readStepPlan(text: string): StepPlan | undefined {
  const [letters = '', ...numbers] = text.split(' ');
  if (!LETTERS.test(letters)) return undefined;
  const kinds = [...letters] as StepKind[];
  if (numbers.length === 0) return { kinds };
  const timesteps = numbers.map((number) => (/^\d{1,6}$/.test(number) ? Number(number) : Number.NaN));
  const falls = timesteps.every((timestep, i) => i === 0 || timestep < timesteps[i - 1]!);
  return falls && timesteps.length === kinds.length ? { kinds, timesteps } : undefined;
}

/** The text that `readStepPlan` reads. */
export function writeStepPlan({ kinds, timesteps = [] }: StepPlan): string {
  return [kinds.join(''), ...timesteps].join(' ');
}

/** Whether every step of a plan is either computed in full or forecast. */
export function isFullOrForecast(stepPlan: string): boolean {
  return readStepPlan(stepPlan)?.kinds.every((kind) => kind === 'F' || kind === '-') ?? false;
}

/** A plan for people: `12 steps, 4 of them forecast`. */
export function describeStepPlan({ kinds, timesteps }: StepPlan): string {
  const means = (Object.keys(STEP_KINDS) as StepKind[]).flatMap((kind) => {
    const count = kinds.filter((one) => one === kind).length;
    return kind !== 'F' && count > 0 ? [`${count} ${STEP_KINDS[kind]}`] : [];
  });
  const placed = timesteps ? ', placed where they matter most' : '';
  const steps = `${kinds.length} ${kinds.length === 1 ? 'step' : 'steps'}`;
  return [steps + placed, ...means].join(', ');
}
