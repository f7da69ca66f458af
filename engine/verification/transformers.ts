import { fs, path } from '#host';
import type { Condition } from '../execution/condition.ts';
import { denoise } from '../execution/denoise.ts';
import { conditionOf } from '../execution/denoiser-inputs.ts';
import { planarPredict } from '../execution/unet/predict.ts';
import { float32, floats, int64, type Tensor } from '../graph/tensor.ts';
import { readJson } from '../json.ts';
import { createScheduler } from '../schedulers/create.ts';
import type { Checkpoint } from './checkpoint.ts';
import { comparePlanes, planesOf } from './latent-rows.ts';
import { SAMPLER_LIMIT } from './networks.ts';
import type { Comparison, Reference } from './reference.ts';

/** Compares a language model's states, of prompts and of negative prompts. */
export async function compareLanguage(checkpoint: Checkpoint, expected: Reference): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const prefix of ['text', 'text.negative']) {
    if (!expected.has(`${prefix}.attention_mask`)) continue;
    const program = await checkpoint.program('text-encoder');
    const [ids, mask] = ['input_ids', 'attention_mask'].map((name) =>
      integers(expected, `${prefix}.${name}`),
    );
    const outputs = await program.run({ input_ids: await ids!, attention_mask: await mask! });
    for (const [name, value] of Object.entries(outputs))
      comparisons.push(await expected.compare(`${prefix}.${name}`, floats({ value }, 'value')));
  }
  return comparisons;
}

/** Compares the transformer's outputs at every timestep and size that has a reference. */
export async function compareTransformer(checkpoint: Checkpoint, expected: Reference): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const name of expected.names()) {
    const [, prefix, step] = /^(transformer\w*)\.out\.(t[\d_]+)$/.exec(name) ?? [];
    if (!prefix || !step) continue;
    const transformer = await checkpoint.program('denoiser');
    const { out } = await transformer.run({
      ...(await transformerConditions(expected)),
      sample: await planesOf(expected, `${prefix}.hidden_states`, `${prefix}.img_ids`),
      timestep: await timestepOf(expected, `transformer.timestep.${step}`, expected),
    });
    comparisons.push(await comparePlanes(expected, name, out!));
  }
  return comparisons;
}

/** The transformer's inputs beside sample and timestep. @param from the file that has those of a region's passes */
export async function transformerConditions(
  expected: Reference,
  from = expected,
  prefix = 'transformer',
  suffix = '',
): Promise<Record<string, Tensor>> {
  const mask = `${prefix}.encoder_attention_mask${suffix}`;
  const inputs: Record<string, Tensor> = {
    encoder_hidden_states: await from.tensor(`${prefix}.encoder_hidden_states${suffix}`),
    ...(from.has(mask) && { encoder_attention_mask: await integers(from, mask) }),
  };
  if (from.has(`${prefix}.guidance`)) {
    // The reference has what the embedder gets: the guidance scale times a factor of the config.
    const embedded = (await expected.floats('transformer.guidance'))[0]!;
    const factor = embedded / Number(expected.metadata('guidance_scale'));
    const scaled = await from.floats(`${prefix}.guidance`);
    inputs.guidance = column(scaled.map((value) => value / factor));
  }
  return inputs;
}

/** Samples with every scheduler config that has recorded latents; for consistency models with every number of steps. */
export async function compareTransformerSamplers(
  checkpoint: Checkpoint,
  expected: Reference,
): Promise<Comparison[]> {
  if (!expected.has('pipeline.noise')) return [];
  if (!expected.has('text.selected')) return comparePaddedSamplers(checkpoint, expected);
  const folder = path.join(checkpoint.root, 'schedulers');
  const files = await fs.readdir(folder).catch(() => []);
  const comparisons: Comparison[] = [];
  for (const file of files.filter((name) => name.endsWith('.json')).sort()) {
    const sampler = `pipeline.${path.basename(file, '.json')}`;
    if (!expected.has(`${sampler}.timesteps`)) continue;
    const steps = expected.shape(`${sampler}.timesteps`)[0]!;
    const scheduler = createScheduler(await readJson(path.join(folder, file)), steps);
    comparisons.push(await expected.compare(`${sampler}.timesteps`, Float32Array.from(scheduler.timesteps)));
    comparisons.push(...(await compareSampling(checkpoint, expected, sampler, scheduler)));
  }
  const own = path.join(checkpoint.root, 'scheduler', 'scheduler_config.json');
  for (const steps of [1, 2, 4]) {
    const sampler = `pipeline.scm${steps}`;
    if (!expected.has(`${sampler}.timesteps`)) continue;
    const scheduler = createScheduler(await readJson(own), steps);
    comparisons.push(...(await compareSampling(checkpoint, expected, sampler, scheduler)));
  }
  return comparisons;
}

/**
 * Samples with a model that also reads a text's padding, by its own scheduler: distilled without guidance, and with it.
 */
async function comparePaddedSamplers(checkpoint: Checkpoint, expected: Reference): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  for (const name of ['distilled', 'guided']) {
    const sampler = `pipeline.${name}`;
    if (!expected.has(`${sampler}.timesteps`)) continue;
    const own = path.join(checkpoint.root, 'scheduler', 'scheduler_config.json');
    const scheduler = createScheduler(await readJson(own), expected.shape(`${sampler}.timesteps`)[0]!);
    comparisons.push(await expected.compare(`${sampler}.timesteps`, Float32Array.from(scheduler.timesteps)));
    const prompt = firstRow(await expected.tensor('text.last_hidden_state'));
    const negative = await expected.tensor('text.negative.last_hidden_state');
    const isGuided = name === 'guided';
    const text = isGuided
      ? float32(Float32Array.of(...(prompt.data as Float32Array), ...negative.data), [
          2,
          ...prompt.dims.slice(1),
        ])
      : prompt;
    const guidance = isGuided ? Number(expected.metadata('guidance_scale')) : 1;
    const condition = conditionOf({ encoder_hidden_states: text }, guidance);
    comparisons.push(...(await compareSampling(checkpoint, expected, sampler, scheduler, condition)));
  }
  return comparisons;
}

async function compareSampling(
  checkpoint: Checkpoint,
  expected: Reference,
  sampler: string,
  scheduler: ReturnType<typeof createScheduler>,
  condition?: Condition,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  const start = await expected.tensor('pipeline.noise');
  const steps = scheduler.timesteps.length;
  const noise: Float32Array[] = [];
  for (let i = 0; expected.has(`${sampler}.step_noise.${i}`); i++)
    noise.push(await expected.floats(`${sampler}.step_noise.${i}`));
  const predict = planarPredict(
    await checkpoint.program('denoiser'),
    scheduler,
    start.dims.slice(1),
    condition ?? (await pipelineCondition(expected)),
  );
  const final = `${sampler}.final`;
  const latent = await denoise(
    predict,
    scheduler,
    start.data.map((value) => value * scheduler.initNoiseSigma),
    {
      noise: (index) => noise[index]!,
      onStep: async (index, sample) => {
        const isLast = index === steps - 1 && expected.has(final);
        const name = isLast ? final : `${sampler}.latent.${index}`;
        comparisons.push(await expected.compare(name, sample, SAMPLER_LIMIT));
      },
    },
  );
  if (expected.has(`${sampler}.decoded`)) {
    const { scalingFactor } = await checkpoint.autoencoder();
    const decoder = await checkpoint.program('vae-decoder');
    const unscaled = float32(
      latent.map((value) => value / scalingFactor),
      start.dims,
    );
    const { image } = await decoder.run({ latent: unscaled });
    comparisons.push(
      await expected.compare(`${sampler}.decoded`, floats({ image: image! }, 'image'), SAMPLER_LIMIT),
    );
  }
  return comparisons;
}

/** The prompt of the first row, guided by the negative prompt if there is one. */
async function pipelineCondition(expected: Reference): Promise<Condition> {
  const guidance = Number(expected.metadata('guidance_scale') ?? 1);
  const text = firstRow(await expected.tensor('text.selected'));
  const mask = firstRow(await integers(expected, 'text.selected_mask'));
  const inputs = { encoder_hidden_states: text, encoder_attention_mask: mask };
  if (!expected.has('text.negative.last_hidden_state')) {
    const { guidance: scale } = await transformerConditions(expected);
    return conditionOf({ ...inputs, ...(scale && { guidance: scale }) }, guidance);
  }
  const negative = await expected.tensor('text.negative.last_hidden_state');
  const negativeMask = await expected.integers('text.negative.attention_mask');
  const both = Float32Array.of(...(text.data as Float32Array), ...negative.data);
  const masks = BigInt64Array.of(...(mask.data as BigInt64Array), ...negativeMask);
  const [, length, channels] = text.dims as [number, number, number];
  return conditionOf(
    {
      encoder_hidden_states: float32(both, [2, length, channels]),
      encoder_attention_mask: int64(masks, [2, length]),
    },
    guidance,
  );
}

export function firstRow(tensor: Tensor): Tensor {
  const data = tensor.data.slice(0, tensor.data.length / tensor.dims[0]!);
  return { ...tensor, data, dims: [1, ...tensor.dims.slice(1)] } as Tensor;
}

async function integers(expected: Reference, name: string): Promise<Tensor> {
  return int64(await expected.integers(name), expected.shape(name));
}

/** Denoiser's timesteps: references of FLUX.2 have thousandths of them. */
export async function timestepOf(from: Reference, name: string, expected: Reference): Promise<Tensor> {
  const factor = expected.has('transformer.img_ids') ? 1000 : 1;
  return column((await from.floats(name)).map((value) => factor * value));
}

export function column(values: Float32Array): Tensor {
  return float32(values, [values.length, 1]);
}
