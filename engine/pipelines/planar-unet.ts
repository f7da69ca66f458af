import { floats, type Session } from '../runtime/runtime.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Predict } from './denoise.ts';
import { type Condition, guide, unetInputs } from './guidance.ts';

/** Prediction by the planar U-Net: whole latents [1, C, H, W], given without the batch (`dims`). */
export function planarPredict(
  unet: Session,
  scheduler: Pick<Scheduler, 'timesteps'>,
  dims: readonly number[],
  condition: Condition,
): Predict {
  return async (sample, index) => {
    const outputs = await unet.run(unetInputs(sample, dims, scheduler.timesteps[index]!, condition));
    return guide(floats(outputs, 'out'), condition);
  };
}
