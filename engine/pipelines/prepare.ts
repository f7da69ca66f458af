import type { GenerateProgress, Precision } from '../../shared/api.ts';
import type { CalibrationRuns } from '../execution/calibration.ts';
import { denoise } from '../execution/denoise.ts';
import { latentDims } from '../execution/latents.ts';
import { gaussianNoise } from '../noise.ts';
import { knownScheduler } from '../schedulers/create.ts';
import { drawingPlanes } from './inpainting.ts';
import { conditionFor, type ReadyModel } from './ready-model.ts';
import { schedulerFor } from './scheduler-for.ts';

/** Subjects that most models know. What matters is the typical size of activations. */
const PROMPTS = ['a red house by a lake at sunset', 'a cat in a meadow at noon'];
const STEPS = 6;

type Report = (stage: GenerateProgress['stage'], step: number, steps: number) => void;

/** Prepares a model's networks in a precision. The first time, a few images are generated for calibration. */
export async function prepareNetworks(
  ready: ReadyModel,
  precision: Precision,
  { report, signal }: { report?: Report; signal?: AbortSignal } = {},
): Promise<void> {
  const { components, model } = ready;
  const quantizing = {
    signal,
    onProgress: (done: number, total: number) => report?.('quantize', done, total),
  };
  // First, so that no float32 text encoder is loaded during calibration.
  await components.prepareText(model.textRoles, precision, quantizing);
  const runs = calibrationRuns(ready, {
    signal,
    onStep: (done, total) => report?.('calibrate', done, total),
  });
  await components.prepare(precision, runs, quantizing);
  await components.prepareDecoder(precision, quantizing);
}

/** Generates a few images with a few steps, at the model's default size. */
function calibrationRuns(
  ready: ReadyModel,
  { onStep, signal }: { onStep: (done: number, total: number) => void; signal?: AbortSignal },
): CalibrationRuns {
  return async (run) => {
    const { model } = ready;
    const { width, height, guidance } = model.defaults;
    const dims = latentDims(model.autoencoder, model.defaults);
    const length = dims.reduce((a, b) => a * b, 1);
    let done = 0;
    const { components } = ready;
    const planes = await drawingPlanes(components, dims);
    for (const [seed, prompt] of PROMPTS.entries()) {
      const sampler = knownScheduler(model.schedulerConfig) ?? 'ddim';
      const scheduler = schedulerFor(model, { steps: STEPS, scheduler: sampler }, model.defaults);
      const { condition: prompted } = await conditionFor(ready, prompt, '', guidance, { width, height });
      const condition = { ...prompted, ...planes };
      const start = gaussianNoise(seed, 0, length).map((value) => value * scheduler.initNoiseSigma);
      const predict = (sample: Float32Array, index: number) =>
        run(sample, dims, scheduler.timesteps[index]!, condition);
      await denoise(predict, scheduler, start, {
        signal,
        noise: (index) => gaussianNoise(seed, index + 1, length),
        onStep: () => onStep(++done, PROMPTS.length * scheduler.timesteps.length),
      });
    }
  };
}
