import { InputError } from '../errors.ts';

/** σ_t = √((1 − ᾱ_t) / ᾱ_t), the noise level in units of the clean sample, for every training timestep. */
export function trainingSigmas(alphas: Float32Array): Float32Array {
  return alphas.map((alpha) => Math.sqrt((1 - alpha) / alpha));
}

/** The value of `table` at a fractional index, linear in between. */
export function interpolate(table: Float32Array, position: number): number {
  const low = Math.floor(position);
  const high = Math.min(low + 1, table.length - 1);
  return table[low]! + (table[high]! - table[low]!) * (position - low);
}

/**
 * Karras et al. 2022 (arXiv:2206.00364), eq. 5 with ρ = 7: `steps` sigmas from `max` down to `min`.
 * @throws InputError naming `file` if `min` is above `max`.
 */
export function karrasSigmas(min: number, max: number, steps: number, file: string): number[] {
  if (!(min <= max)) throw new InputError(`${file}: sigma_min is above sigma_max.`);
  const rho = 7;
  const from = max ** (1 / rho);
  const to = min ** (1 / rho);
  const ramp = (i: number) => (steps === 1 ? 0 : i / (steps - 1));
  return Array.from({ length: steps }, (_, i) => (from + ramp(i) * (to - from)) ** rho);
}

/**
 * `steps` sigmas from `max` down to `min`, evenly spaced in log σ (k-diffusion's `get_sigmas_exponential`).
 * @throws InputError naming `file` if `min` is 0 or above `max`.
 */
export function exponentialSigmas(min: number, max: number, steps: number, file: string): number[] {
  if (!(min > 0 && min <= max))
    throw new InputError(`${file}: sigma_min must be above 0 and below sigma_max.`);
  const ramp = (i: number) => (steps === 1 ? 0 : i / (steps - 1));
  return Array.from({ length: steps }, (_, i) => max * (min / max) ** ramp(i));
}

/** The timestep of a noise level: linear in log σ between training timesteps, clipped to their range. */
export function timestepOfSigma(sigma: number, sigmas: Float32Array): number {
  const target = Math.log(Math.max(sigma, 1e-10));
  // The first level above; levels grow with the timestep.
  let [above, end] = [0, sigmas.length];
  while (above < end) {
    const middle = (above + end) >> 1;
    if (Math.log(sigmas[middle]!) > target) end = middle;
    else above = middle + 1;
  }
  const low = Math.max(0, above - 1);
  if (low === sigmas.length - 1) return low;
  const from = Math.log(sigmas[low]!);
  const to = Math.log(sigmas[low + 1]!);
  return low + Math.min(Math.max((target - from) / (to - from), 0), 1);
}

/** The variance-preserving form of a noise level: x = alpha · clean + sigma · noise, alpha² + sigma² = 1. */
export function preserving(level: number): { alpha: number; sigma: number } {
  const alpha = 1 / Math.sqrt(level * level + 1);
  return { alpha, sigma: level * alpha };
}

/** The same for a flow: x = alpha · clean + sigma · noise, alpha + sigma = 1. */
export function mixing(level: number): { alpha: number; sigma: number } {
  const alpha = 1 / (level + 1);
  return { alpha, sigma: level * alpha };
}

/** Half the log signal-to-noise ratio, λ = log(alpha / sigma); +∞ at level 0. */
export function lambdaOf(level: number): number {
  return -Math.log(level);
}
