import { cacheFolder, fs, path, sha256 } from '#host';
import { InputError } from '../errors.ts';
import { writeError } from '../files.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import { allFinite } from '../numbers.ts';
import { touchHashed } from './file-hash.ts';
import type { Adapter, LoraModule } from './lora.ts';
import { addProduct } from './lora-product.ts';
import { underNamesOf } from './names.ts';
import { readFloat32, readNumber } from './read.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { isSealed, SEAL_BYTES } from './seal.ts';
import type { StoredTensor, WeightSource, WeightsOptions } from './source.ts';
import { writeSealed } from './write.ts';

/** Changes when the same files would be merged to other values. */
const VERSION = 2;

/** Files of merged weights that are kept: two models with all their networks. */
const KEPT = 6;

/** A LoRA module, and what it is multiplied by beside alpha / rank. */
interface Addition {
  module: LoraModule;
  strength: number;
}

/**
 * The weights of a network with the LoRA files' products added. The changed ones are computed once and kept in a file
 * of the cache, as float32; the others stay where they are. Arithmetic: W + Σ strength · alpha / rank · up · down.
 * @throws InputError for a file whose shapes are those of another model, AbortError; nothing is left then
 */
export async function mergeAdapters(
  source: WeightSource,
  part: string,
  network: Network,
  adapters: readonly Adapter[],
  options: WeightsOptions = {},
): Promise<WeightSource> {
  const changes = additionsFor(source, part, network, adapters);
  if (changes.size === 0) return source;
  const merged = await keptOrMade(changes, options);
  return {
    origin: source.origin,
    names: () => source.names(),
    find: (name) => merged.find(name) ?? source.find(name),
  };
}

/** The modules of a file that change no weight of these networks, by their keys. */
export function modulesWithoutWeight(adapter: Adapter, networks: ReadonlyMap<string, Network>): string[] {
  const known = new Map([...networks].map(([part, network]) => [part, weightNames(network)]));
  return adapter.modules.filter(({ part, path }) => !known.get(part)?.has(path)).map(({ key }) => key);
}

/** A network's weights by their modules' paths, with underscores for dots. */
function weightNames(network: Network): Map<string, string> {
  const names = weightsOf(network).filter(({ name }) => name.endsWith('.weight'));
  return new Map(names.map(({ name }) => [name.slice(0, -'.weight'.length).replaceAll('.', '_'), name]));
}

/** What is added to each tensor that any file changes. */
function additionsFor(
  source: WeightSource,
  part: string,
  network: Network,
  adapters: readonly Adapter[],
): Map<StoredTensor, Addition[]> {
  const names = weightNames(network);
  const named = underNamesOf(network, source);
  const changes = new Map<StoredTensor, Addition[]>();
  for (const { file, strength, modules } of adapters) {
    if (strength === 0) continue;
    for (const module of modules) {
      const name = module.part === part ? names.get(module.path) : undefined;
      const tensor = name === undefined ? undefined : named.find(name);
      if (!tensor) continue;
      checkShape(file, module, tensor);
      changes.set(tensor, [...(changes.get(tensor) ?? []), { module, strength }]);
    }
  }
  return changes;
}

function checkShape(file: string, { key, up, down }: LoraModule, tensor: StoredTensor): void {
  const shape = [up.shape[0]!, ...down.shape.slice(1)];
  const trimmed = (dims: readonly number[]) => dims.slice(0, dims.findLastIndex((n) => n !== 1) + 1);
  if (String(trimmed(shape)) !== String(trimmed(tensor.shape)))
    throw new InputError(
      `${file} is made for another model: ${key} changes a weight of shape [${shape}], but here it is [${tensor.shape}].`,
    );
}

async function keptOrMade(
  changes: ReadonlyMap<StoredTensor, readonly Addition[]>,
  { onProgress, signal }: WeightsOptions,
): Promise<SafetensorsFile> {
  const folder = path.join(cacheFolder(), 'merged');
  const file = path.join(folder, `${await keyOf(changes)}.safetensors`);
  const kept = await openSafetensors(file).catch(() => undefined);
  if (kept && (await isSealed(kept, signal)) && [...changes.keys()].every(({ name }) => kept.find(name))) {
    await touchHashed(file, { exceptLast: SEAL_BYTES }).catch(() => {});
    return kept;
  }
  await fs.mkdir(folder).catch((error) => {
    throw writeError(file, error);
  });
  const tensors = [...changes].map(([tensor, additions], i) => ({
    name: tensor.name,
    dtype: 'F32' as const,
    shape: tensor.shape,
    chunks: async function* () {
      onProgress?.(i, changes.size);
      const values = await mergedValues(tensor, additions);
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    },
  }));
  await writeSealed(file, tensors, {}, signal);
  onProgress?.(changes.size, changes.size);
  await prune(folder);
  return openSafetensors(file);
}

/** Content-addressed: by the files, told apart by place, size and time, and what is done with them. */
async function keyOf(changes: ReadonlyMap<StoredTensor, readonly Addition[]>): Promise<string> {
  const hash = sha256().update(String(VERSION));
  const files = new Map<string, string>();
  const place = async ({ file, offset }: StoredTensor) => {
    if (!files.has(file)) {
      const { size, mtimeMs, ctimeMs } = await fs.stat(file);
      files.set(file, `${file} ${size} ${mtimeMs} ${ctimeMs}`);
    }
    return `${files.get(file)} ${offset}`;
  };
  for (const [tensor, additions] of changes) {
    hash.update(await place(tensor));
    for (const { module, strength } of additions) hash.update(`${await place(module.down)} ${strength}`);
  }
  return hash.hex().slice(0, 32);
}

async function mergedValues(tensor: StoredTensor, additions: readonly Addition[]): Promise<Float32Array> {
  const values = await readFloat32(tensor);
  for (const { module, strength } of additions) {
    const [down, up] = [await readFloat32(module.down), await readFloat32(module.up)];
    const rank = module.down.shape[0]!;
    const alpha = module.alpha ? await readNumber(module.alpha) : rank;
    for (const half of [down, up, Float32Array.of(alpha)])
      if (!allFinite(half))
        throw new InputError(`${module.down.file}: ${module.key} holds numbers that are not finite.`);
    await addProduct(values, up, down, rank, (strength * alpha) / rank);
    if (!allFinite(values))
      throw new InputError(
        `${module.down.file}: with ${module.key} at strength ${strength} the weight ${tensor.name} is beyond what float32 holds; use a smaller strength, or another file.`,
      );
  }
  return values;
}

/** Removes the files that were used longest ago. */
async function prune(folder: string): Promise<void> {
  const names = (await fs.readdir(folder)).filter((name) => name.endsWith('.safetensors'));
  const dated = await Promise.all(
    names.map(async (name) => ({ name, time: (await fs.stat(path.join(folder, name))).mtimeMs })),
  );
  for (const { name } of dated.sort((a, b) => b.time - a.time).slice(KEPT))
    await fs.remove(path.join(folder, name));
}
