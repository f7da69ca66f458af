import { InputError } from '../errors.ts';

/** The fields of a scheduler config that define the noise schedule of training. */
interface NoiseSchedule {
  num_train_timesteps: number;
  beta_start: number;
  beta_end: number;
  beta_schedule: 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';
  trained_betas?: number[] | undefined;
  rescale_betas_zero_snr: boolean;
}

/** diffusers' stand-in for a terminal ᾱ of 0 where sigmas must be finite. */
export const SMALLEST_ALPHA = 2 ** -24;

/**
 * ᾱ_t of Ho et al. 2020 (arXiv:2006.11239), the cumulative product of 1 − β, for every training timestep.
 * Betas and products are rounded to float32, as diffusers keeps them.
 * With `rescale_betas_zero_snr` the last value is `terminalAlpha`: exactly 0, or a stand-in where sigmas must be finite.
 * @throws InputError naming `file` unless the values are positive and fall from timestep to timestep.
 */
export function alphasCumprod(schedule: NoiseSchedule, terminalAlpha: number, file: string): Float32Array {
  const trained = configuredBetas(schedule, file);
  const rescale = schedule.rescale_betas_zero_snr;
  const alphas = cumulativeProduct(rescale ? rescaleZeroTerminalSnr(trained) : trained);
  if (rescale) alphas[alphas.length - 1] = terminalAlpha;
  const inner = rescale ? alphas.subarray(0, -1) : alphas;
  if (!alphas.every((alpha) => alpha >= 0 && alpha < 1) || !inner.every((alpha) => alpha > 0)) {
    throw new InputError(
      `${file}: the betas do not describe a noise schedule; check the scheduler's config.`,
    );
  }
  return alphas;
}

function configuredBetas(schedule: NoiseSchedule, file: string): Float32Array {
  const { num_train_timesteps: count, beta_start: start, beta_end: end, trained_betas: trained } = schedule;
  if (trained) {
    if (trained.length !== count) {
      throw new InputError(
        `${file}: trained_betas has ${trained.length} values for ${count} training timesteps.`,
      );
    }
    return Float32Array.from(trained);
  }
  const betas = new Float32Array(count);
  switch (schedule.beta_schedule) {
    case 'linear':
      return betas.map((_, t) => between(start, end, t, count));
    case 'scaled_linear':
      return betas.map((_, t) => Math.fround(between(Math.sqrt(start), Math.sqrt(end), t, count)) ** 2);
    case 'squaredcos_cap_v2':
      return betas.map((_, t) => Math.min(1 - alphaBar((t + 1) / count) / alphaBar(t / count), 0.999));
  }
}

/** The `index`-th of `count` values evenly spaced from `start` to `end`. */
function between(start: number, end: number, index: number, count: number): number {
  return count === 1 ? start : start + ((end - start) * index) / (count - 1);
}

/** The cosine schedule of Nichol and Dhariwal 2021 (arXiv:2102.09672), eq. 17. */
function alphaBar(t: number): number {
  return Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
}

/** Lin et al. 2023 (arXiv:2305.08891), algorithm 1: shifts √ᾱ so that the last timestep is pure noise. */
function rescaleZeroTerminalSnr(betas: Float32Array): Float32Array {
  const roots = cumulativeProduct(betas).map(Math.sqrt);
  const first = roots[0]!;
  const last = roots[roots.length - 1]!;
  const squares = roots.map((root) => (((root - last) * first) / (first - last)) ** 2);
  return squares.map((square, t) => 1 - (t === 0 ? square : square / squares[t - 1]!));
}

function cumulativeProduct(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => {
    product *= Math.fround(1 - beta);
    return product;
  });
}
