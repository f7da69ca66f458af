import { InputError } from '../errors.ts';

/** Table 2 of Lin et al. 2023 (arXiv:2305.08891). */
export const SPACINGS = ['leading', 'linspace', 'trailing'] as const;
export type Spacing = (typeof SPACINGS)[number];

export interface SpacingOptions {
  timestep_spacing: Spacing;
  num_train_timesteps: number;
  /** Added to the timesteps of leading spacing. */
  steps_offset: number;
}

/**
 * `steps` descending timesteps; fractional where the spacing is linspace.
 * With `openEnd` the range is divided into one part more and the last one left out, as multistep solvers do.
 * @throws InputError if there are fewer timesteps than that, or a large `steps_offset` leaves the training schedule.
 */
export function spacedTimesteps(
  options: SpacingOptions,
  steps: number,
  openEnd: boolean,
  file: string,
): number[] {
  checkSteps(steps, options.num_train_timesteps - (openEnd ? 1 : 0));
  const timesteps = unchecked(options, steps, openEnd ? steps + 1 : steps);
  const last = options.num_train_timesteps - 1;
  if (timesteps.some((t) => t < 0 || t > last)) {
    throw new InputError(
      `${file}: ${steps} steps with this timestep_spacing and steps_offset leave the training timesteps; use fewer steps.`,
    );
  }
  return timesteps;
}

function unchecked(options: SpacingOptions, steps: number, parts: number): number[] {
  const { timestep_spacing: spacing, num_train_timesteps: train, steps_offset: offset } = options;
  switch (spacing) {
    case 'leading':
      return descending(steps, parts, (i) => i * Math.floor(train / parts) + offset);
    case 'linspace':
      return descending(steps, parts, (i) => (parts === 1 ? 0 : i * ((train - 1) / (parts - 1))));
    case 'trailing':
      return Array.from({ length: steps }, (_, i) => roundHalfEven(train - i * (train / steps)) - 1);
  }
}

/** The last `steps` of `parts` ascending values, in descending order. */
function descending(steps: number, parts: number, value: (index: number) => number): number[] {
  return Array.from({ length: steps }, (_, i) => value(parts - 1 - i));
}

/** Rounds to the nearest integer, halves to even, as NumPy does. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** @throws InputError unless 1 ≤ steps ≤ limit. */
export function checkSteps(steps: number, limit: number): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > limit) {
    throw new InputError(`The number of steps must be a whole number from 1 to ${limit} for this scheduler.`);
  }
}
