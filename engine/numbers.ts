import { InputError } from './errors.ts';

/** Whether all are finite. One sum: a number that is not finite makes every sum that it is in not finite. */
export function allFinite(values: ArrayLike<number>): boolean {
  // Differences of nearly everything to itself: zero for numbers, NaN for infinities and NaN; it cannot overflow.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
  return sum === 0;
}

/**
 * Checks the output of a part of a model.
 * @param part as the subject of a sentence. @throws InputError if a number is not finite: the image would be black or
 * noise.
 */
export function requireFinite(values: ArrayLike<number>, part: string): void {
  if (allFinite(values)) return;
  throw new InputError(
    `${part} gave numbers that are not finite (NaN or infinity), so there is no result. Its weights, or those of what steers it (LoRA, ControlNet, IP-Adapter), are damaged or made for another model: get them again, or leave them out.`,
  );
}

/** [rows, columns] → [columns, rows]. */
export function transposed(values: Float32Array, rows: number): Float32Array {
  const columns = values.length / rows;
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      result[column * rows + row] = values[row * columns + column]!;
  return result;
}

/** Numbers one after another. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let from = 0;
  for (const part of parts) {
    all.set(part, from);
    from += part.length;
  }
  return all;
}

/** Power of a signal over the power of another's difference from it, in dB. */
export function signalToNoise(actual: Float32Array, exact: Float32Array): number {
  const power = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0);
  return 10 * Math.log10(power(exact) / power(actual.map((value, i) => value - exact[i]!)));
}
