import type { SchedulerConfig } from './config.ts';
import { ancestral, type Levels, noiseLevels } from './levels.ts';
import { combine } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';

/** A sampler that asks the network twice a step: at a level, and at one between it and the next, or at the next. */
interface TwoRuns {
  stochastic: boolean;
  /** The level of the second run. */
  between(from: number, to: number): number;
  /** The sample at that level. `noise`: of this run. */
  first(at: Run, noise: Float32Array | undefined): Float32Array;
  /** The sample at the next level, from both runs. */
  second(at: Run, again: { original: Float32Array; sample: Float32Array }, noise: Noises): Float32Array;
}

/** The first run of a step. */
interface Run {
  from: number;
  to: number;
  sample: Float32Array;
  /** The clean sample that it predicts. */
  original: Float32Array;
}

interface Noises {
  first: Float32Array | undefined;
  second: Float32Array | undefined;
}

/**
 * Every step but the last has two entries in `timesteps`; the last one, down to 0, has one. Started at a second run,
 * as an edit of odd strength might, it takes a plain step there.
 */
function withTwoRuns(config: SchedulerConfig, steps: number, sampler: TwoRuns): Scheduler {
  const base: Levels = noiseLevels(config, steps);
  const { levels } = base;
  const isPlain = (step: number) => levels[step + 1] === 0;
  const runs = levels
    .slice(0, -1)
    .flatMap((level, step) => (isPlain(step) ? [level] : [level, sampler.between(level, levels[step + 1]!)]));
  let first: (Run & { noise: Float32Array | undefined; index: number }) | undefined;
  return {
    ...base.over(runs),
    runs: 2,
    stochastic: sampler.stochastic,
    step(output, index, sample, noise) {
      if (sampler.stochastic && !noise) throw new TypeError('The sampler needs noise.');
      const step = Math.floor(index / 2);
      const original = base.original(output, sample, runs[index]!);
      if (index % 2 === 0) {
        const run = { from: levels[step]!, to: levels[step + 1]!, sample, original };
        if (isPlain(step)) return original;
        first = { ...run, noise, index };
        return sampler.first(run, noise);
      }
      const before = first?.index === index - 1 ? first : undefined;
      if (!before) return euler(runs[index]!, levels[step + 1]!, sample, original);
      return sampler.second(before, { original, sample }, { first: before.noise, second: noise });
    },
  };
}

/** Along the straight line from the clean sample. */
function euler(from: number, to: number, sample: Float32Array, original: Float32Array): Float32Array {
  return combine([to / from, sample], [1 - to / from, original]);
}

/** Heun's method: Karras et al. 2022 (arXiv:2206.00364), algorithm 2 without churn. */
export function createHeun(config: SchedulerConfig, steps: number): Scheduler {
  return withTwoRuns(config, steps, {
    stochastic: false,
    between: (_, to) => to,
    first: ({ from, to, sample, original }) => euler(from, to, sample, original),
    second({ from, to, sample, original }, again) {
      // The mean of the slopes at both ends.
      const half = (to - from) / 2;
      return combine(
        [1 + half / from, sample],
        [-half / from, original],
        [half / to, again.sample],
        [-half / to, again.original],
      );
    },
  });
}

/** DPM-Solver-2 over noise levels (Karras et al. 2022; k-diffusion's `sample_dpm_2`): the slope at the geometric mean. */
export function createDpm2(config: SchedulerConfig, steps: number): Scheduler {
  return withTwoRuns(config, steps, {
    stochastic: false,
    between: (from, to) => Math.sqrt(from * to),
    first: ({ from, to, sample, original }) => euler(from, Math.sqrt(from * to), sample, original),
    second({ from, to, sample }, again) {
      const slope = (to - from) / Math.sqrt(from * to);
      return combine([1, sample], [slope, again.sample], [-slope, again.original]);
    },
  });
}

/** DPM-Solver++(2S) with ancestral noise (Lu et al. 2022; k-diffusion's `sample_dpmpp_2s_ancestral`). */
export function createDpmpp2sAncestral(config: SchedulerConfig, steps: number): Scheduler {
  // Which is the next level itself, but for rounding.
  const middle = (from: number, to: number) => Math.max(to, Math.sqrt(from * ancestral(from, to).down));
  return withTwoRuns(config, steps, {
    stochastic: true,
    between: middle,
    first: ({ from, to, sample, original }) => euler(from, middle(from, to), sample, original),
    second({ from, to, sample }, again, noise) {
      const { down, up } = ancestral(from, to);
      return combine([down / from, sample], [1 - down / from, again.original], [up, noise.second!]);
    },
  });
}

/** DPM-Solver++ with noise at both runs (k-diffusion's `sample_dpmpp_sde`, r = ½): steps of one Brownian motion. */
export function createDpmppSde(config: SchedulerConfig, steps: number): Scheduler {
  const middle = (from: number, to: number) => Math.sqrt(from * to);
  return withTwoRuns(config, steps, {
    stochastic: true,
    between: middle,
    first({ from, to, sample, original }, noise) {
      const { down, up } = ancestral(from, middle(from, to));
      return combine([down / from, sample], [1 - down / from, original], [up, noise!]);
    },
    second({ from, to, sample }, again, noise) {
      const { down, up } = ancestral(from, to);
      // The motion to the middle continues to the end.
      const before = Math.sqrt((from - middle(from, to)) / (from - to));
      const behind = Math.sqrt((middle(from, to) - to) / (from - to));
      return combine(
        [down / from, sample],
        [1 - down / from, again.original],
        [up * before, noise.first!],
        [up * behind, noise.second!],
      );
    },
  });
}
