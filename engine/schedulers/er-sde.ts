import type { SchedulerConfig } from './config.ts';
import { noiseLevels } from './levels.ts';
import { combine, type Term } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';

/** Points at which integrals over a step are taken. */
const POINTS = 200;

/** How strongly noise comes back at a level: function 5 of the paper. */
const scaler = (level: number): number => level * (Math.exp(level ** 0.3) + 10);

/** ER-SDE-Solver-3 (Cui et al. 2023, arXiv:2309.06169), in its variance exploding form. */
export function createErSde(config: SchedulerConfig, steps: number): Scheduler {
  const base = noiseLevels(config, steps);
  const { levels } = base;
  const runs = levels.slice(0, -1);
  let last: { original: Float32Array; slope: Float32Array | undefined; index: number } | undefined;
  return {
    ...base.over(runs),
    stochastic: true,
    step(output, index, sample, noise) {
      const [from, to] = [levels[index]!, levels[index + 1]!];
      const original = base.original(output, sample, from);
      const before = last?.index === index - 1 ? last : undefined;
      last = { original, slope: undefined, index };
      if (to === 0) return original;
      if (!noise) throw new TypeError('The sampler needs noise.');
      const ratio = scaler(to) / scaler(from);
      const terms: Term[] = [
        [ratio, sample],
        [1 - ratio, original],
        [Math.sqrt(Math.max(0, to ** 2 - (from * ratio) ** 2)), noise],
      ];
      if (before) {
        const { plain, linear } = integrals(from, to);
        const distance = from - levels[index - 1]!;
        const slope = combine([1 / distance, original], [-1 / distance, before.original]);
        last.slope = slope;
        terms.push([to - from + plain * scaler(to), slope]);
        if (before.slope) {
          const width = (from - levels[index - 2]!) / 2;
          const weight = (to - from) ** 2 / 2 + linear * scaler(to);
          terms.push([weight / width, slope], [-weight / width, before.slope]);
        }
      }
      return combine(...terms);
    },
  };
}

/** ∫ 1 / φ and ∫ (λ − from) / φ over the step, by the rectangles of the authors' code. */
function integrals(from: number, to: number): { plain: number; linear: number } {
  const width = (from - to) / POINTS;
  let [plain, linear] = [0, 0];
  for (let i = 0; i < POINTS; i++) {
    const level = to + i * width;
    plain += width / scaler(level);
    linear += (width * (level - from)) / scaler(level);
  }
  return { plain, linear };
}
