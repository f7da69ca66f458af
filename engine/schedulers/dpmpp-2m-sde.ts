import type { SchedulerConfig } from './config.ts';
import { noiseLevels } from './levels.ts';
import { combine } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { lambdaOf } from './sigmas.ts';

/** DPM-Solver++(2M) as a stochastic equation (Lu et al. 2022; k-diffusion's `sample_dpmpp_2m_sde`, midpoint, η = 1). */
export function createDpmpp2mSde(config: SchedulerConfig, steps: number): Scheduler {
  const base = noiseLevels(config, steps);
  const { levels } = base;
  const runs = levels.slice(0, -1);
  let last: { original: Float32Array; index: number } | undefined;
  return {
    ...base.over(runs),
    stochastic: true,
    step(output, index, sample, noise) {
      const [from, to] = [levels[index]!, levels[index + 1]!];
      const original = base.original(output, sample, from);
      const before = last?.index === index - 1 ? last.original : undefined;
      last = { original, index };
      if (to === 0) return original;
      if (!noise) throw new TypeError('The sampler needs noise.');
      const h = lambdaOf(to) - lambdaOf(from);
      const whole = -Math.expm1(-2 * h);
      const keep = (to / from) * Math.exp(-h);
      const up = to * Math.sqrt(-Math.expm1(-2 * h));
      if (!before) return combine([keep, sample], [whole, original], [up, noise]);
      const r = (lambdaOf(from) - lambdaOf(levels[index - 1]!)) / h;
      const bend = (0.5 * whole) / r;
      return combine([keep, sample], [whole + bend, original], [-bend, before], [up, noise]);
    },
  };
}
