import { fs, path } from '#host';
import type { Backend, Program } from '../execution/backend.ts';
import { actingTimesteps, type Condition, type Guide } from '../execution/condition.ts';
import { controlMaps } from '../execution/control-maps.ts';
import { denoise } from '../execution/denoise.ts';
import { conditionOf } from '../execution/denoiser-inputs.ts';
import { PLANAR } from '../execution/forms/form.ts';
import { planarPredict } from '../execution/unet/predict.ts';
import { steeredPlanes } from '../execution/unet/steering.ts';
import type { Network } from '../graph/network.ts';
import { float32, floats, type Tensor } from '../graph/tensor.ts';
import { readJson } from '../json.ts';
import {
  type ControlModel,
  isControlNet,
  openControlModel,
  steeringBy,
  withControlWeights,
} from '../models/control-model.ts';
import { networkOf, placeOf } from '../models/networks.ts';
import { controlFactors, controlNet, hintName } from '../networks/controlnet.ts';
import { parseUNetConfig } from '../networks/unet-config.ts';
import { createScheduler } from '../schedulers/create.ts';
import { openWeights } from '../weights/folder.ts';
import { WeightTable } from '../weights/weight-table.ts';
import { conditionInputs, SAMPLER_LIMIT } from './networks.ts';
import { type Comparison, DENOISER, type Reference } from './reference.ts';

/** A ControlNet in one file. */
export const CONTROL_FILE = 'checkpoint.safetensors';

interface Setting {
  root: string;
  expected: Reference;
  backend: Backend;
  model: ControlModel;
  /** The encoded control picture. */
  maps: readonly Tensor[];
}

/** Compares ControlNets and T2I-Adapters: by themselves, in the U-Net, and along sampling loops. */
export async function compareControl(
  root: string,
  expected: Reference,
  backend: Backend,
): Promise<Comparison[]> {
  if (!expected.has('control.image')) return [];
  const image = await expected.tensor('control.image');
  const [, , height, width] = image.dims as [number, number, number, number];
  const comparisons: Comparison[] = [];
  const isFile = await fs.exists(path.join(root, CONTROL_FILE));
  for (const place of isFile ? [CONTROL_FILE] : ['controlnet', 't2iadapter']) {
    if (!(await fs.exists(path.join(root, place)))) continue;
    const model = await openControlModel(path.join(root, place));
    const maps = await controlMaps(model, image.data, { width, height }, backend);
    const setting = { root, expected, backend, model, maps };
    comparisons.push(...(await (isControlNet(model) ? compareResiduals(setting) : compareFeatures(setting))));
    comparisons.push(...(await compareSteered(setting)));
  }
  return comparisons;
}

/** The residuals of a ControlNet alone, at several strengths and in guess mode. */
async function compareResiduals({ expected, backend, model, maps }: Setting): Promise<Comparison[]> {
  if (!isControlNet(model)) return [];
  const network = controlNet(model.config.unet);
  const program = await backend.compile(network, new WeightTable(network, await model.weights()), PLANAR);
  const comparisons: Comparison[] = [];
  const outputs = new Map<number, Record<string, Tensor>>();
  const count = network.outputs.size;
  for (const name of expected.names()) {
    const [, kind, at, which] = /^control\.(s\d+|guess)\.t(\d+)\.(down\.\d+|mid)$/.exec(name) ?? [];
    if (kind === undefined) continue;
    const timestep = Number(at);
    const given = { ...(await plainInputs(expected, timestep)), [hintName(0)]: maps[0]! };
    if (!outputs.has(timestep)) outputs.set(timestep, await program.run(given));
    const place = which === 'mid' ? count - 1 : Number(which!.slice('down.'.length));
    const strength = kind === 'guess' ? 1 : Number(kind.slice(1)) / 100;
    const factor = strength * controlFactors(count, kind === 'guess')[place]!;
    const values = floats(outputs.get(timestep)!, which!).map((value) => factor * value);
    comparisons.push(await expected.compare(name, values));
  }
  await program.release();
  return comparisons;
}

async function compareFeatures({ expected, maps }: Setting): Promise<Comparison[]> {
  return Promise.all(maps.map((map, i) => expected.compare(`t2i.feature.${i}`, floats({ map }, 'map'))));
}

/** The U-Net with the model's influence, and loops in which it acts for a share of the steps. */
async function compareSteered({ root, expected, backend, model, maps }: Setting): Promise<Comparison[]> {
  const prefix = isControlNet(model) ? 'control' : 't2i';
  const folder = path.join(root, placeOf('denoiser').folder);
  if (!(await fs.exists(folder))) return [];
  const origin = path.join(folder, 'config.json');
  const json = await readJson(origin);
  const network = networkOf('denoiser', json, origin, {
    steering: steeringBy([model], parseUNetConfig(json, origin)),
  });
  const source = await withControlWeights(await openWeights(folder, placeOf('denoiser').stem), [model]);
  const program = await backend.compile(network, new WeightTable(network, source), PLANAR);
  const guided = (guide: Omit<Guide, 'maps'>): Condition['controls'] =>
    isControlNet(model)
      ? { hints: [{ ...guide, maps }], features: [] }
      : { hints: [], features: [{ ...guide, maps }] };
  const always = { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY };
  const comparisons: Comparison[] = [];
  for (const name of expected.names()) {
    const [, kind, percent, at] = /^(control|t2i)\.\w+\.out\.s(\d+)\.t(\d+)$/.exec(name) ?? [];
    if (kind !== prefix) continue;
    const inputs = await plainInputs(expected, Number(at));
    const controls = guided({ ...always, strength: Number(percent) / 100 });
    const condition = { ...conditionOf(inputs, 1), controls };
    const sample = await expected.tensor(`${DENOISER}.sample`);
    const steered = steeredPlanes(network, condition, Number(at), sample.data, sample.dims.slice(2));
    comparisons.push(
      await expected.compare(name, floats(await program.run({ ...inputs, ...steered }), 'out')),
    );
  }
  const loops = { network, program, guided, prefix };
  comparisons.push(...(await compareLoops(root, expected, loops)));
  await program.release();
  return comparisons;
}

interface Loops {
  network: Network;
  program: Program;
  guided: (guide: Omit<Guide, 'maps'>) => Condition['controls'];
  prefix: string;
}

async function compareLoops(
  root: string,
  expected: Reference,
  { network, program, guided, prefix }: Loops,
): Promise<Comparison[]> {
  const comparisons: Comparison[] = [];
  const folder = path.join(root, 'schedulers');
  const files = await fs.readdir(folder).catch(() => []);
  for (const file of files.filter((name) => name.endsWith('.json')).sort()) {
    const name = `${prefix}.pipeline.${path.basename(file, '.json')}`;
    if (!expected.has(`${name}.timesteps`)) continue;
    const steps = Number(expected.metadata('steps'));
    const scheduler = createScheduler(await readJson(path.join(folder, file)), steps);
    comparisons.push(await expected.compare(`${name}.timesteps`, Float32Array.from(scheduler.timesteps)));
    const noise = await expected.tensor('pipeline.noise');
    const controls = guided({
      strength: Number(expected.metadata('controlnet_conditioning_scale')),
      ...actingTimesteps(scheduler.timesteps, 0, Number(expected.metadata('control_guidance_end'))),
    });
    const guidance = Number(expected.metadata('guidance_scale'));
    const condition = { ...conditionOf(await conditionInputs(expected), guidance), controls };
    const predict = planarPredict(program, scheduler, noise.dims.slice(1), condition, network);
    const start = noise.data.map((value) => value * scheduler.initNoiseSigma);
    await denoise(predict, scheduler, start, {
      noise: () => new Float32Array(),
      onStep: async (index, sample) => {
        comparisons.push(await expected.compare(`${name}.latent.${index}`, sample, SAMPLER_LIMIT));
      },
    });
  }
  return comparisons;
}

/** The U-Net's own inputs, the sample among them, at a timestep. */
async function plainInputs(expected: Reference, timestep: number): Promise<Record<string, Tensor>> {
  const at = float32(Float32Array.of(timestep), [1, 1]);
  return {
    ...(await conditionInputs(expected)),
    sample: await expected.tensor(`${DENOISER}.sample`),
    timestep: at,
  };
}
