import type { SchedulerConfig } from './config.ts';
import { noiseLevels } from './levels.ts';
import { combine } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';

/**
 * DEIS of order 2 (Zhang & Chen 2023, arXiv:2204.13902), ρAB over log ρ as in diffusers' DEISMultistepScheduler: the
 * noise is interpolated between the last two runs and integrated over the level.
 */
export function createDeis(config: SchedulerConfig, steps: number): Scheduler {
  const base = noiseLevels(config, steps);
  const { levels } = base;
  const runs = levels.slice(0, -1);
  let last: { noise: Float32Array; index: number } | undefined;
  return {
    ...base.over(runs),
    stochastic: false,
    step(output, index, sample) {
      const [from, to] = [levels[index]!, levels[index + 1]!];
      const original = base.original(output, sample, from);
      const noise = combine([1 / from, sample], [-1 / from, original]);
      const before = last?.index === index - 1 ? last.noise : undefined;
      last = { noise, index };
      if (!before || to === 0) return combine([1, sample], [to - from, noise]);
      const earlier = levels[index - 1]!;
      return combine(
        [1, sample],
        [weightOf(to, from, earlier) - weightOf(from, from, earlier), noise],
        [weightOf(to, earlier, from) - weightOf(from, earlier, from), before],
      );
    },
  };
}

/** ∫ (log t − log c) / (log b − log c) dt, the weight of the noise at level b with that at level c. */
function weightOf(t: number, b: number, c: number): number {
  return (t * (Math.log(t) - Math.log(c) - 1)) / (Math.log(b) - Math.log(c));
}
