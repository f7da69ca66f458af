import { InputError } from './errors.ts';

/** Whether all are finite. One sum: a number that is not finite makes every sum that it is in not finite. */
export function allFinite(values: ArrayLike<number>): boolean {
  // Differences of nearly everything to itself: zero for numbers, NaN for infinities and NaN; it cannot overflow.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  return sum === 0;
}

/**
 * @param what the numbers are, as the subject of a sentence in the plural
 * @throws InputError if one of them is not finite: what is made of it would be black or noise.
 */
export function requireFinite(values: ArrayLike<number>, what: string): void {
  if (allFinite(values)) return;
  throw new InputError(
    `${what} are not finite numbers (NaN or infinity), so there is no image. The model's weights may be damaged or beyond their precision: get the model again, or try precision fp32 without LoRA files.`,
  );
}
