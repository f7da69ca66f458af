import { fs, path } from '#host';
import type { Backend } from '../execution/backend.ts';
import type { Condition } from '../execution/condition.ts';
import { denoise } from '../execution/denoise.ts';
import { conditionOf } from '../execution/denoiser-inputs.ts';
import { PLANAR } from '../execution/forms/form.ts';
import { ReferenceEncoder } from '../execution/reference-tokens.ts';
import { planarPredict } from '../execution/unet/predict.ts';
import { steeredPlanes } from '../execution/unet/steering.ts';
import { float32, floats, type Tensor } from '../graph/tensor.ts';
import { readJson } from '../json.ts';
import { networkOf, placeOf } from '../models/networks.ts';
import { openReferenceModel, type ReferenceModel, withReferenceWeights } from '../models/reference-model.ts';
import { createScheduler } from '../schedulers/create.ts';
import { openWeights } from '../weights/folder.ts';
import { WeightTable } from '../weights/weight-table.ts';
import { conditionInputs, SAMPLER_LIMIT } from './networks.ts';
import { type Comparison, DENOISER, type Reference } from './reference.ts';

/** Files of IP-Adapters beside references, and how these are named. */
const FILES = [
  ['tiny', 'ip-adapter_tiny.safetensors'],
  ['plus', 'ip-adapter-plus_tiny.safetensors'],
] as const;

/** Compares IP-Adapters: the image encoder, the tokens, the U-Net with them, and sampling loops. */
export async function compareReferences(
  root: string,
  expected: Reference,
  backend: Backend,
): Promise<Comparison[]> {
  if (!expected.has('image.pixel_values')) return [];
  const comparisons: Comparison[] = [];
  const planes = await expected.floats('image.pixel_values');
  for (const [kind, name] of FILES) {
    const file = path.join(root, name);
    if (!(await fs.exists(file))) continue;
    const model = await openReferenceModel(file);
    const encoder = new ReferenceEncoder(model, backend);
    if (comparisons.length === 0) comparisons.push(...(await compareEncoder(encoder, planes, expected)));
    const tokens = await encoder.tokens([planes]);
    comparisons.push(await expected.compare(`${kind}.tokens`, tokens.data));
    comparisons.push(...(await compareSteered(root, kind, model, tokens, expected, backend)));
  }
  return comparisons;
}

async function compareEncoder(
  encoder: ReferenceEncoder,
  planes: Float32Array,
  expected: Reference,
): Promise<Comparison[]> {
  const states = await encoder.states(planes);
  const zeros = await encoder.states(new Float32Array(planes.length));
  return [
    await expected.compare('image.image_embeds', floats(states, 'embeds')),
    await expected.compare('image.last_hidden_state', floats(states, 'last')),
    await expected.compare('image.penultimate', floats(states, 'penultimate')),
    await expected.compare('image.penultimate_of_zeros', floats(zeros, 'penultimate')),
  ];
}

async function compareSteered(
  root: string,
  kind: string,
  model: ReferenceModel,
  tokens: Tensor & { type: 'float32' },
  expected: Reference,
  backend: Backend,
): Promise<Comparison[]> {
  const folder = path.join(root, placeOf('denoiser').folder);
  const origin = path.join(folder, 'config.json');
  const network = networkOf('denoiser', await readJson(origin), origin, {
    steering: { references: [{ masked: false }] },
  });
  const source = withReferenceWeights(await openWeights(folder, placeOf('denoiser').stem), model);
  const program = await backend.compile(network, new WeightTable(network, source), PLANAR);
  const referring = (condition: Condition, scale: number): Condition => {
    const values = float32(
      tokens.data.map((value) => scale * value),
      tokens.dims,
    );
    return { ...condition, references: [{ keys: tokens, values }] };
  };
  const comparisons: Comparison[] = [];
  const inputs = await conditionInputs(expected);
  for (const name of expected.names()) {
    const [, of, percent, at] = /^(\w+)\.\w+\.out\.s(\d+)\.t(\d+)$/.exec(name) ?? [];
    if (of !== kind) continue;
    const sample = await expected.tensor(`${DENOISER}.sample`);
    const timestep = float32(Float32Array.of(Number(at)), [1, 1]);
    const condition = referring(conditionOf(inputs, 1), Number(percent) / 100);
    const steered = steeredPlanes(network, condition, Number(at), sample.data, sample.dims.slice(2));
    const outputs = await program.run({ ...inputs, ...steered, sample, timestep });
    comparisons.push(await expected.compare(name, floats(outputs, 'out')));
  }
  const loop = `${kind}.pipeline.ddim`;
  if (expected.has(`${loop}.timesteps`)) {
    const config = await readJson(path.join(root, 'schedulers', 'ddim.json'));
    const scheduler = createScheduler(config, Number(expected.metadata('steps')));
    const scale = Number(expected.metadata('pipeline_ip_scale'));
    const condition = referring(conditionOf(inputs, Number(expected.metadata('guidance_scale'))), scale);
    const noise = await expected.tensor('pipeline.noise');
    const predict = planarPredict(program, scheduler, noise.dims.slice(1), condition, network);
    await denoise(
      predict,
      scheduler,
      noise.data.map((value) => value * scheduler.initNoiseSigma),
      {
        noise: () => new Float32Array(),
        onStep: async (index, sample) => {
          comparisons.push(await expected.compare(`${loop}.latent.${index}`, sample, SAMPLER_LIMIT));
        },
      },
    );
  }
  await program.release();
  return comparisons;
}
