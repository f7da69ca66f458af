import { path } from '#host';
import type { Backend } from '../execution/backend.ts';
import { PLANAR } from '../execution/forms/form.ts';
import { float32, floats } from '../graph/tensor.ts';
import { readJson } from '../json.ts';
import { networkOf, placeOf } from '../models/networks.ts';
import { openWeights } from '../weights/folder.ts';
import { openAdapter } from '../weights/lora.ts';
import { mergeAdapters } from '../weights/lora-merge.ts';
import { readFloat32 } from '../weights/read.ts';
import { WeightTable } from '../weights/weight-table.ts';
import { conditionInputs } from './networks.ts';
import { type Comparison, DENOISER, Reference } from './reference.ts';

/** Largest relative error of a merged weight. */
const MERGED_LIMIT = 1e-6;

/** `<file>.s<strength · 100>.<weight, or <denoiser>.out.t<timestep>>`. */
const NAME = /^([\w-]+)\.s(\d+)\.(.+)$/;

/**
 * Merges LoRA files beside their references into the denoiser of another folder, which the references' metadata
 * names (`base`), and compares the weights, and the network's outputs with them.
 */
export async function compareAdapters(
  root: string,
  expected: Reference,
  backend: Backend,
): Promise<Comparison[]> {
  const base = expected.metadata('base');
  if (!base || !/^[\w-]+$/.test(base)) return [];
  const folder = path.join(path.dirname(root), base);
  const groups = new Map<string, { file: string; strength: number; names: string[] }>();
  for (const name of expected.names()) {
    const [, file, percent] = NAME.exec(name) ?? [];
    if (file === undefined) continue;
    const id = `${file}.s${percent}`;
    const group = groups.get(id) ?? { file, strength: Number(percent) / 100, names: [] };
    group.names.push(name);
    groups.set(id, group);
  }
  const comparisons: Comparison[] = [];
  for (const group of groups.values())
    comparisons.push(...(await compareMerged(root, folder, group, expected, backend)));
  return comparisons;
}

async function compareMerged(
  root: string,
  folder: string,
  { file, strength, names }: { file: string; strength: number; names: readonly string[] },
  expected: Reference,
  backend: Backend,
): Promise<Comparison[]> {
  const { folder: place, stem } = placeOf('denoiser');
  const config = path.join(folder, place, 'config.json');
  const network = networkOf('denoiser', await readJson(config), config);
  const adapter = await openAdapter(path.join(root, `${file}.safetensors`), strength);
  const source = await openWeights(path.join(folder, place), stem);
  const merged = await mergeAdapters(source, 'denoiser', network, [adapter]);
  const comparisons: Comparison[] = [];
  for (const name of names) {
    const [, , , what = ''] = NAME.exec(name)!;
    const timestep = /^\w+\.out\.t(\d+)$/.exec(what)?.[1];
    if (timestep === undefined) {
      const tensor = merged.find(what);
      const values = tensor ? await readFloat32(tensor) : new Float32Array();
      comparisons.push(await expected.compare(name, values, MERGED_LIMIT));
      continue;
    }
    const inputs = await Reference.open(path.join(folder, 'expected.safetensors'));
    const program = await backend.compile(network, new WeightTable(network, merged), PLANAR);
    const outputs = await program.run({
      ...(await conditionInputs(inputs)),
      sample: await inputs.tensor(`${DENOISER}.sample`),
      timestep: float32(Float32Array.of(Number(timestep)), [1, 1]),
    });
    await program.release();
    comparisons.push(await expected.compare(name, floats(outputs, 'out')));
  }
  return comparisons;
}
