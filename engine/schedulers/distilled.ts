import { InputError } from '../errors.ts';
import { checkSteps } from './timesteps.ts';

/**
 * Timesteps of a model that was distilled on `original_inference_steps` of them (LCM, TCD): some of those, evenly spaced.
 * @throws InputError for more steps than these
 */
export function distilledTimesteps(
  settings: { num_train_timesteps: number; original_inference_steps: number },
  steps: number,
  file: string,
): number[] {
  const { num_train_timesteps: train, original_inference_steps: originalSteps } = settings;
  if (originalSteps > train)
    throw new InputError(`${file}: original_inference_steps is above num_train_timesteps.`);
  checkSteps(steps, originalSteps);
  const skip = Math.floor(train / originalSteps);
  return Array.from(
    { length: steps },
    (_, i) => (originalSteps - Math.floor((i * originalSteps) / steps)) * skip - 1,
  );
}
