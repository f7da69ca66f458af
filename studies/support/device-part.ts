/**
 * A part of `device-times.ts` that runs on a device by itself, in a process of its own. Arguments: the device as JSON, and
 * the part; sends what it gave, or `{ error }`.
 */
import { deviceIn, openBackend } from '../../engine/backends/node/devices/open.ts';
import { StepInputs, TIMESTEP } from '../../engine/benchmark/step/inputs.ts';
import { median } from '../../engine/benchmark/timing.ts';
import { Components } from '../../engine/execution/components.ts';
import { float32, floats, int64 } from '../../engine/graph/tensor.ts';
import { openModel } from '../../engine/models/open.ts';
import { CLIP_TOKENS, textInputs } from '../../engine/networks/clip-text.ts';
import { gaussianNoise } from '../../engine/noise.ts';
import { verify } from '../../engine/verification/verify.ts';
import type { Precision } from '../../shared/arithmetic.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { timed, timeInTurns } from './turns.ts';

/** Largest relative error of a folder of references; or median seconds of a whole image without guidance. */
export type DevicePart =
  | { part: 'error'; folder: string }
  | { part: 'image'; model: string; side: number; steps: number; precision: Precision; repeat: number };

const backend = openBackend(deviceIn(process.argv[2]));

async function secondsOfImage({
  model: name,
  side,
  steps,
  precision,
  repeat,
}: DevicePart & { part: 'image' }) {
  const model = await openModel(name);
  const components = new Components(model, backend, backend.threads);
  await components.prepare(precision);
  await components.prepareDecoder(precision);
  const { scale, latentChannels } = model.autoencoder;
  const [height, width] = [side / scale, side / scale];
  const { condition } = new StepInputs(components, { width: side, height: side }, false);
  const denoiser = components.denoiser({ precision });
  const plan = await denoiser.plan({ of: 'whole', height, width }, 1);
  const ids = int64(
    BigInt64Array.from({ length: CLIP_TOKENS }, (_, i) => BigInt(i)),
    [1, CLIP_TOKENS],
  );
  const image = timed(async () => {
    const encoder = await components.program('text-encoder');
    const states = await encoder.run(textInputs(model.network('text-encoder'), ids), ['last_hidden_state']);
    const read = { ...condition, text: states.last_hidden_state! };
    let latent = gaussianNoise(1, 0, latentChannels * height * width);
    for (let step = 0; step < steps; step++)
      latent = (await denoiser.predict(plan, latent, TIMESTEP, read)).output;
    const decoder = await components.program('vae-decoder');
    floats(await decoder.run({ latent: float32(latent, [1, latentChannels, height, width]) }), 'image');
  });
  await timeInTurns([image], repeat);
  return median(image.wall);
}

async function result(part: DevicePart): Promise<number> {
  if (part.part === 'image') return secondsOfImage(part);
  return (await verify(part.folder, backend)).worst.relative;
}

process.send!(
  await result(JSON.parse(process.argv[3]!) as DevicePart).catch((error) => ({ error: messageOf(error) })),
);
