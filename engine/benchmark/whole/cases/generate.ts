import type { GenerateRequest, PatchOptions } from '../../../../shared/api.ts';
import type { WholeCase } from '../case.ts';

/** Draws the picture again. */
export const generate: WholeCase = drawing({ name: 'generate' });

/** Draws the picture, on several workers where the case is shared. */
export function drawing(
  { name, shared, work }: Pick<WholeCase, 'name' | 'shared' | 'work'>,
  patch?: PatchOptions,
  more: Pick<GenerateRequest, 'budget'> = {},
): WholeCase {
  return {
    name,
    shared,
    work,
    mode: 'dense',
    masked: false,
    run({ engine, prompt, width, height, seed, workers, ...task }, options) {
      const { model, steps, stepPlan, threads, precision, attention } = task;
      const settings = {
        model,
        steps,
        threads,
        precision,
        attention,
        workers,
        patch,
        previews: false,
        ...(more.budget === undefined && stepPlan !== undefined && { stepPlan }),
        ...more,
      };
      return engine.generate({ prompt, width, height, seed, ...settings }, options);
    },
  };
}
