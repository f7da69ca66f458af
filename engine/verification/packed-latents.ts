import { path } from '#host';
import { denoise, type Predict } from '../execution/denoise.ts';
import { conditionOf } from '../execution/denoiser-inputs.ts';
import { wholeTokens } from '../execution/transformer/token-plan.ts';
import { planarPredict } from '../execution/unet/predict.ts';
import { float32, floats, type Tensor } from '../graph/tensor.ts';
import { readJson } from '../json.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import { createScheduler } from '../schedulers/create.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { readFloat32 } from '../weights/read.ts';
import type { Checkpoint } from './checkpoint.ts';
import { comparePlanes, joinRows, type RowsOfReference, referenceOf } from './latent-rows.ts';
import { SAMPLER_LIMIT } from './networks.ts';
import type { Comparison, Reference } from './reference.ts';
import { column, firstRow } from './transformers.ts';

/** FLUX.2's autoencoder and sampling, whose latents are packed: 2×2 positions of the autoencoder's as channels of one. */

/** Statistics with which packed latents are standardized, by channel. */
interface Statistics {
  mean: Float32Array;
  deviation: Float32Array;
}

const SIZES = ['vae', 'vae_other_size'];

/** Compares decoding and encoding: the references before packing are packed, or what is computed is. */
export async function comparePackedAutoencoder(
  checkpoint: Checkpoint,
  expected: Reference,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const from of SIZES) {
    if (!expected.has(`${from}.packed`)) continue;
    const statistics = await statisticsOf(checkpoint);
    const decoder = await checkpoint.program('vae-decoder');
    const latent = packed(await expected.tensor(`${from}.latent`), statistics);
    const { image } = await decoder.run({ latent });
    comparisons.push(await comparePlanes(expected, `${from}.decoded`, image!));
    const encoder = await checkpoint.program('vae-encoder');
    const encoded = await encoder.run({ image: await expected.tensor(`${from}.image`) });
    comparisons.push(await comparePlanes(expected, `${from}.packed`, encoded.latent!));
    const mean = unpacked(encoded.latent as Latents, statistics);
    comparisons.push(await comparePlanes(expected, `${from}.encoded_mean`, mean));
  }
  return comparisons;
}

/** Samples without guidance from the text alone, and with a reference image. */
export async function comparePackedSampling(
  checkpoint: Checkpoint,
  expected: Reference,
): Promise<Comparison[]> {
  if (!expected.has('pipeline.text_only.timesteps')) return [];
  const noise = await expected.tensor('pipeline.noise');
  const [, channels, height, width] = noise.dims as [number, number, number, number];
  const text = firstRow(await expected.tensor('text.prompt_embeds'));
  const config = await readJson(path.join(checkpoint.root, 'scheduler', 'scheduler_config.json'));
  const steps = Number(expected.metadata('steps'));
  const scheduler = createScheduler(config, steps, undefined, { positions: height * width });
  const condition = conditionOf({ encoder_hidden_states: text }, 1);
  const plain = planarPredict(
    await checkpoint.program('denoiser'),
    scheduler,
    [channels, height, width],
    condition,
  );
  const comparisons = await compareSampling(checkpoint, expected, 'text_only', scheduler, plain);
  if (!expected.has('pipeline.reference.image_latents')) return comparisons;
  const image = await expected.tensor('pipeline.reference.image');
  const encoder = await checkpoint.program('vae-encoder');
  const { latent } = await encoder.run({ image });
  const name = 'pipeline.reference.image_latents';
  comparisons.push(await comparePlanes(expected, name, latent!));
  const reference = await referenceOf(expected, name, 'pipeline.reference.img_ids');
  const seeing = await predictSeeing(checkpoint, scheduler, noise.dims, text, reference);
  comparisons.push(...(await compareSampling(checkpoint, expected, 'reference', scheduler, seeing)));
  return comparisons;
}

/** The transformer in the form of tokens, with the rows of a reference image behind the image's own. */
async function predictSeeing(
  checkpoint: Checkpoint,
  scheduler: Scheduler,
  dims: readonly number[],
  text: Tensor,
  reference: RowsOfReference,
): Promise<Predict> {
  const network = await checkpoint.tokens();
  const [, channels, height, width] = dims as [number, number, number, number];
  const plan = wholeTokens(height, width, reference.grids);
  return async (sample, index) => {
    const rows = joinRows(toRows(sample, 1, channels, plan.active), reference.rows, 1);
    const { output } = await network.pass(plan, 1, {
      sample: float32(rows, [1, plan.computed.length, channels]),
      timestep: column(Float32Array.of(scheduler.timesteps[index]!)),
      encoder_hidden_states: text,
    });
    const planes = new Float32Array(output.length);
    overPlanes(planes, output, 1, channels, plan.active);
    return planes;
  };
}

async function compareSampling(
  checkpoint: Checkpoint,
  expected: Reference,
  kind: string,
  scheduler: Scheduler,
  predict: Predict,
): Promise<Comparison[]> {
  const sampler = `pipeline.${kind}`;
  const start = await expected.tensor('pipeline.noise');
  const timesteps = Float32Array.from(scheduler.timesteps);
  const comparisons = [await expected.compare(`${sampler}.timesteps`, timesteps)];
  const compare = async (name: string, planes: Tensor) =>
    comparisons.push(await comparePlanes(expected, `${sampler}.${name}`, planes, SAMPLER_LIMIT));
  const final = await denoise(predict, scheduler, start.data.slice(), {
    noise: () => new Float32Array(start.data.length),
    onStep: async (index, sample) => {
      await compare(`latent.${index}`, float32(sample, start.dims));
    },
  });
  const latent = float32(final, start.dims);
  await compare('vae_latent', unpacked(latent, await statisticsOf(checkpoint)));
  const decoder = await checkpoint.program('vae-decoder');
  const { image } = await decoder.run({ latent });
  await compare('decoded', float32(floats({ image: image! }, 'image'), image!.dims));
  return comparisons;
}

async function statisticsOf(checkpoint: Checkpoint): Promise<Statistics> {
  const source = await checkpoint.weights('vae');
  const [mean, variance] = await Promise.all(
    ['mean', 'var'].map((name) => readFloat32(source.find(`bn.running_${name}`)!)),
  );
  const { epsilon } = await checkpoint.packing();
  return { mean: mean!, deviation: variance!.map((value) => Math.sqrt(value + epsilon)) };
}

type Latents = Tensor & { type: 'float32' };

/** Latents [B, C, h, w] → [B, 4C, h/2, w/2], channel 4c + 2y + x, standardized. */
function packed({ data, dims }: Latents, { mean, deviation }: Statistics): Latents {
  const [batch, channels, height, width] = dims as [number, number, number, number];
  const small = [batch, 4 * channels, height / 2, width / 2];
  const result = new Float32Array(data.length);
  eachPacked(small, (at, channel, from) => {
    result[at] = (data[from]! - mean[channel]!) / deviation[channel]!;
  });
  return float32(result, small);
}

/** The inverse of `packed`. */
function unpacked({ data, dims }: Latents, { mean, deviation }: Statistics): Latents {
  const [batch, channels, height, width] = dims as [number, number, number, number];
  const result = new Float32Array(data.length);
  eachPacked(dims, (at, channel, to) => {
    result[to] = data[at]! * deviation[channel]! + mean[channel]!;
  });
  return float32(result, [batch, channels / 4, 2 * height, 2 * width]);
}

/** Calls for each element of packed latents: where it is, its channel, and where it is before packing. */
function eachPacked(
  dims: readonly number[],
  call: (at: number, channel: number, before: number) => void,
): void {
  const [batch, channels, height, width] = dims as [number, number, number, number];
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let channel = 0; channel < channels; channel++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const plane = b * (channels / 4) + (channel >> 2);
          const row = 2 * y + ((channel >> 1) & 1);
          call(at++, channel, (plane * 2 * height + row) * 2 * width + 2 * x + (channel & 1));
        }
}
