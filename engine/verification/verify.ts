import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../errors.ts';
import { lowerPlanar } from '../lowering/planar.ts';
import { readJson } from '../models/folder.ts';
import { networkOf, type Part, PLACES } from '../models/parts.ts';
import { denoise } from '../pipelines/denoise.ts';
import { planarPredict } from '../pipelines/planar-unet.ts';
import { float32, floats, int64, type Runtime, type Session, type Tensor } from '../runtime/runtime.ts';
import { createScheduler } from '../schedulers/create.ts';
import { openWeights } from '../weights/folder.ts';
import { readFloat32, readInt64 } from '../weights/read.ts';
import { openSafetensors, type SafetensorsFile } from '../weights/safetensors.ts';
import { WeightTable } from '../weights/table.ts';

/** One compared tensor. Relative error is max |out − reference| / max |reference|. */
export interface Comparison {
  name: string;
  maxAbs: number;
  relative: number;
  limit: number;
}

export interface Verification {
  tensors: Comparison[];
  /** The largest relative error, and the tensor that has it. */
  worst: { name: string; relative: number };
  pass: boolean;
}

/** Largest relative error of a network's output, float32; and of a whole sampling loop. */
const NETWORK_LIMIT = 1e-4;
const SAMPLER_LIMIT = 1e-3;

/**
 * Computes everything for which a model folder has reference tensors beside it (`expected.safetensors`, written by
 * diffusers) and compares. Tensor names are those of the parity folders: see test/parity/README.md.
 */
export async function verify(folder: string, runtime: Runtime): Promise<Verification> {
  const root = path.resolve(folder);
  const expected = await openSafetensors(path.join(root, 'expected.safetensors'));
  const bench = new Bench(root, runtime, expected);
  await bench.text();
  await bench.unet();
  await bench.autoencoder('vae', 'vae.encoded_mean');
  await bench.autoencoder('vae_tiny', 'vae_tiny.encoded');
  await bench.samplers();
  await bench.release();
  const tensors = bench.comparisons;
  if (tensors.length === 0)
    throw new InputError(`${path.join(root, 'expected.safetensors')} holds nothing that can be compared.`);
  const worst = tensors.reduce((a, b) => (a.relative / a.limit >= b.relative / b.limit ? a : b));
  return {
    tensors,
    worst: { name: worst.name, relative: worst.relative },
    pass: tensors.every((tensor) => tensor.relative <= tensor.limit),
  };
}

class Bench {
  readonly comparisons: Comparison[] = [];
  readonly #root: string;
  readonly #runtime: Runtime;
  readonly #expected: SafetensorsFile;
  readonly #sessions = new Map<string, Session>();

  constructor(root: string, runtime: Runtime, expected: SafetensorsFile) {
    this.#root = root;
    this.#runtime = runtime;
    this.#expected = expected;
  }

  async text(): Promise<void> {
    if (!this.#has('text.input_ids')) return;
    const ids = this.#expected.find('text.input_ids')!;
    const session = await this.#session('text-encoder');
    const input = int64(await readInt64(ids), ids.shape);
    const outputs = await session.run({ input_ids: input });
    for (const name of ['last_hidden_state', 'penultimate'])
      await this.#compare(`text.${name}`, floats(outputs, name));
  }

  async unet(): Promise<void> {
    for (const name of this.#expected.names()) {
      const timestep = /^unet\.out\.t(\d+(?:\.\d+)?)$/.exec(name)?.[1];
      if (timestep === undefined) continue;
      const session = await this.#session('unet');
      const outputs = await session.run({
        ...(await this.#condition()),
        sample: await this.#tensor('unet.sample'),
        timestep: float32(Float32Array.of(Number(timestep)), [1, 1]),
      });
      await this.#compare(name, floats(outputs, 'out'));
    }
  }

  /** `folder` is `vae` or `vae_tiny`; both read the same latent and picture. */
  async autoencoder(folder: string, encoded: string): Promise<void> {
    if (this.#has(`${folder}.decoded`)) {
      const decoder = await this.#session('vae-decoder', folder);
      const outputs = await decoder.run({ latent: await this.#tensor('vae.latent') });
      await this.#compare(`${folder}.decoded`, floats(outputs, 'image'));
    }
    if (this.#has(encoded)) {
      const encoder = await this.#session('vae-encoder', folder);
      const outputs = await encoder.run({ image: await this.#tensor('vae.image') });
      const mean = 'moments' in outputs ? firstHalf(outputs.moments!) : floats(outputs, 'latent');
      await this.#compare(encoded, mean);
    }
  }

  /** Classifier-free guidance over every sampler that has a config and recorded latents. */
  async samplers(): Promise<void> {
    const folder = path.join(this.#root, 'schedulers');
    const files = await readdir(folder).catch(() => []);
    for (const file of files.filter((name) => name.endsWith('.json')).sort()) {
      const sampler = `pipeline.${path.basename(file, '.json')}`;
      if (!this.#has(`${sampler}.timesteps`)) continue;
      const timesteps = await this.#floats(`${sampler}.timesteps`);
      const scheduler = createScheduler(await readJson(path.join(folder, file)), timesteps.length);
      await this.#compare(`${sampler}.timesteps`, Float32Array.from(scheduler.timesteps));
      const stepNoise = await Promise.all(
        scheduler.timesteps.map((_, i) =>
          this.#has(`${sampler}.step_noise.${i}`)
            ? this.#floats(`${sampler}.step_noise.${i}`)
            : new Float32Array(),
        ),
      );
      const start = await this.#tensor('pipeline.noise');
      const { encoder_hidden_states: text, ...extra } = await this.#condition();
      const guidance = Number(this.#expected.metadata.guidance_scale ?? 1);
      const steps: Float32Array[] = [];
      await denoise(
        planarPredict(await this.#session('unet'), scheduler, start.dims.slice(1), {
          text: text!,
          guidance,
          extra,
        }),
        scheduler,
        (start.data as Float32Array).map((value) => value * scheduler.initNoiseSigma),
        { noise: (index) => stepNoise[index]!, onStep: (_, sample) => void steps.push(sample) },
      );
      for (const [i, sample] of steps.entries())
        if (this.#has(`${sampler}.latent.${i}`))
          await this.#compare(`${sampler}.latent.${i}`, sample, SAMPLER_LIMIT);
    }
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release();
  }

  async #condition(): Promise<Record<string, Tensor>> {
    const inputs: Record<string, Tensor> = {};
    for (const name of ['encoder_hidden_states', 'text_embeds', 'time_ids', 'timestep_cond'])
      if (this.#has(`unet.${name}`)) inputs[name] = await this.#tensor(`unet.${name}`);
    return inputs;
  }

  async #session(part: Part, folder: string = PLACES[part].folder): Promise<Session> {
    const key = `${folder}/${part}`;
    let session = this.#sessions.get(key);
    if (!session) {
      const place = path.join(this.#root, folder);
      const config = path.join(place, 'config.json');
      const network = networkOf(part, await readJson(config), config);
      const weights = new WeightTable(network, await openWeights(place, PLACES[part].stem));
      session = await this.#runtime.load(lowerPlanar(network, weights), { threads: this.#runtime.threads });
      this.#sessions.set(key, session);
    }
    return session;
  }

  #has(name: string): boolean {
    return this.#expected.find(name) !== undefined;
  }

  async #tensor(name: string): Promise<Tensor> {
    return float32(await this.#floats(name), this.#find(name).shape);
  }

  #floats(name: string): Promise<Float32Array> {
    return readFloat32(this.#find(name));
  }

  #find(name: string) {
    const tensor = this.#expected.find(name);
    if (!tensor) throw new InputError(`${this.#expected.origin}: reference tensor ${name} is missing.`);
    return tensor;
  }

  async #compare(name: string, actual: Float32Array, limit = NETWORK_LIMIT): Promise<void> {
    const reference = await this.#floats(name);
    if (actual.length !== reference.length)
      throw new InputError(
        `${name}: computed ${actual.length} values, the reference has ${reference.length}.`,
      );
    let maxAbs = 0;
    let scale = 0;
    for (const [i, value] of reference.entries()) {
      const difference = Math.abs(actual[i]! - value);
      // A NaN on either side is an infinite error.
      maxAbs = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(maxAbs, difference);
      scale = Math.max(scale, Math.abs(value));
    }
    this.comparisons.push({ name, maxAbs, relative: maxAbs / (scale || 1), limit });
  }
}

function firstHalf(moments: Tensor): Float32Array {
  const [batch, channels] = moments.dims as [number, number];
  const data = moments.data as Float32Array;
  const per = data.length / batch;
  const mean = new Float32Array(data.length / 2);
  for (let b = 0; b < batch; b++) mean.set(data.subarray(b * per, b * per + per / 2), (b * per) / 2);
  if (channels % 2) throw new Error('moments have an odd number of channels');
  return mean;
}
