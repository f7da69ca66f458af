import { fs, path } from '#host';
import { denoise } from '../execution/denoise.ts';
import { conditionOf } from '../execution/denoiser-inputs.ts';
import { planarPredict } from '../execution/unet/predict.ts';
import { float32, floats, int64, type Tensor } from '../graph/tensor.ts';
import { readJson } from '../json.ts';
import { textInputs } from '../networks/clip-text.ts';
import { createScheduler } from '../schedulers/create.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type Comparison, DENOISER, type Reference } from './reference.ts';

/** Largest relative error of a whole sampling loop. */
export const SAMPLER_LIMIT = 1e-3;

/** Parts that read text, by the names of their references. */
const TEXTS = [
  ['text', 'text-encoder'],
  ['text_2', 'text-encoder-2'],
] as const;

/**
 * Compares the text encoders' states, and the text's embedding if one computes it. `under` is a prefix of the names.
 */
export async function compareText(
  checkpoint: Checkpoint,
  expected: Reference,
  under = '',
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const [name, part] of TEXTS) {
    const names = ['last_hidden_state', 'penultimate', 'text_embeds'].filter((output) =>
      expected.has(`${under}${name}.${output}`),
    );
    // Language models have references of their own: see `compareLanguage`.
    if (!expected.has(`${name}.penultimate`) || names.length === 0) continue;
    const program = await checkpoint.program(part);
    const shape = expected.shape(`${name}.input_ids`);
    const ids = await expected.integers(`${name}.input_ids`);
    const outputs = await program.run(textInputs(await checkpoint.network(part), int64(ids, shape)));
    for (const output of names) {
      const values = output === 'text_embeds' ? atEnds(outputs.projected!, ids) : floats(outputs, output);
      comparisons.push(await expected.compare(`${under}${name}.${output}`, values));
    }
  }
  return comparisons;
}

/** The rows of [B, L, C] at each text's first end token, the last id of the vocabulary. */
function atEnds({ dims, data }: Tensor, ids: BigInt64Array): Float32Array {
  const [batch = 0, length = 0, channels = 0] = dims;
  let end = 0n;
  for (const id of ids) if (id > end) end = id;
  const rows = new Float32Array(batch * channels);
  for (let b = 0; b < batch; b++) {
    const at = b * length + ids.subarray(b * length, (b + 1) * length).indexOf(end);
    rows.set((data as Float32Array).subarray(at * channels, (at + 1) * channels), b * channels);
  }
  return rows;
}

/**
 * Compares the output of a U-Net at every timestep that has a reference, in planar and in rows form. `under` is what
 * the names of its outputs begin with.
 */
export async function compareDenoiser(
  checkpoint: Checkpoint,
  expected: Reference,
  under: string = DENOISER,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  const prefix = `${under}.out.t`;
  for (const name of expected.names()) {
    const timestep = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
    if (Number.isNaN(timestep)) continue;
    const denoiser = await checkpoint.program('denoiser');
    const sample = await expected.tensor(`${DENOISER}.sample`);
    const inputs = await conditionInputs(expected);
    const outputs = await denoiser.run({
      ...inputs,
      sample,
      timestep: float32(Float32Array.of(timestep), [1, 1]),
    });
    comparisons.push(await expected.compare(name, floats(outputs, 'out')));
    const rows = await checkpoint.rows();
    const dense = await rows.run({ sample, timestep, inputs });
    comparisons.push(await expected.compare(name, dense.output, undefined, `${name} (rows)`));
  }
  return comparisons;
}

/** Autoencoders of a checkpoint: the folder of each, its input, and the names of the expected outputs. */
const AUTOENCODERS = [
  { folder: 'vae', from: 'vae', encoded: 'vae.encoded_mean' },
  { folder: 'vae', from: 'vae', encoded: 'vae.encoded' },
  { folder: 'vae', from: 'vae_other_size', encoded: 'vae_other_size.encoded' },
  { folder: 'vae_tiny', from: 'vae', encoded: 'vae_tiny.encoded' },
] as const;

/** Compares decoding and encoding (the mean, of a distribution). */
export async function compareAutoencoders(
  checkpoint: Checkpoint,
  expected: Reference,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const { folder, from, encoded } of AUTOENCODERS) {
    if (!expected.has(encoded) || expected.has(`${from}.packed`)) continue;
    const decoded = encoded.replace(/encoded.*/, 'decoded');
    const decoder = await checkpoint.program('vae-decoder', folder);
    const { image } = await decoder.run({ latent: await expected.tensor(`${from}.latent`) });
    comparisons.push(await expected.compare(decoded, floats({ image: image! }, 'image')));
    const encoder = await checkpoint.program('vae-encoder', folder);
    const outputs = await encoder.run({ image: await expected.tensor(`${from}.image`) });
    const mean = outputs.moments ? firstHalf(outputs.moments) : floats(outputs, 'latent');
    comparisons.push(await expected.compare(encoded, mean));
  }
  return comparisons;
}

/** Samples with guidance, with every scheduler config that has recorded latents. */
export async function compareSamplers(checkpoint: Checkpoint, expected: Reference): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  const folder = path.join(checkpoint.root, 'schedulers');
  const files = await fs.readdir(folder).catch(() => []);
  for (const file of files.filter((name) => name.endsWith('.json')).sort()) {
    const sampler = `pipeline.${path.basename(file, '.json')}`;
    if (!expected.has(`${sampler}.timesteps`) || !expected.has(`${DENOISER}.encoder_hidden_states`)) continue;
    const steps = expected.shape(`${sampler}.timesteps`)[0]!;
    const scheduler = createScheduler(await readJson(path.join(folder, file)), steps);
    comparisons.push(await expected.compare(`${sampler}.timesteps`, Float32Array.from(scheduler.timesteps)));
    const noise = new Map<number, Float32Array>();
    for (let i = 0; i < steps; i++) {
      const name = `${sampler}.step_noise.${i}`;
      if (expected.has(name)) noise.set(i, await expected.floats(name));
    }
    const start = await expected.tensor('pipeline.noise');
    const guidance = Number(expected.metadata('guidance_scale') ?? 1);
    const condition = conditionOf(await conditionInputs(expected), guidance);
    const denoiser = await checkpoint.program('denoiser');
    await denoise(
      planarPredict(denoiser, scheduler, start.dims.slice(1), condition),
      scheduler,
      start.data.map((value) => value * scheduler.initNoiseSigma),
      {
        noise: (index) => noise.get(index)!,
        onStep: async (index, sample) => {
          const name = `${sampler}.latent.${index}`;
          if (expected.has(name)) comparisons.push(await expected.compare(name, sample, SAMPLER_LIMIT));
        },
      },
    );
  }
  return comparisons;
}

/** A U-Net's inputs beside sample and timestep. */
export async function conditionInputs(
  expected: Reference,
  prefix: string = DENOISER,
): Promise<Record<string, Tensor>> {
  const inputs: Record<string, Tensor> = {};
  for (const name of ['encoder_hidden_states', 'text_embeds', 'time_ids', 'timestep_cond'])
    if (expected.has(`${prefix}.${name}`)) inputs[name] = await expected.tensor(`${prefix}.${name}`);
  return inputs;
}

/** The means of [B, 2C, h, w] moments: the first C channels of each picture. */
function firstHalf({ dims, data }: Tensor): Float32Array {
  const batch = dims[0]!;
  const each = data.length / batch;
  const mean = new Float32Array(data.length / 2);
  for (let b = 0; b < batch; b++)
    mean.set((data as Float32Array).subarray(b * each, b * each + each / 2), (b * each) / 2);
  return mean;
}
