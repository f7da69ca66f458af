import { fs, sha256 } from '#host';
import { InputError, quoted } from '../errors.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import { allFinite, joined } from '../numbers.ts';
import { keptOrWritten } from './kept-file.ts';
import type { Adapter, LoraModule } from './lora.ts';
import { magnitudeAxis, withMagnitude } from './lora-kinds/dora.ts';
import type { ChangedWeight, ModuleValues } from './lora-kinds/kind.ts';
import { layersOf, loraTarget } from './lora-names.ts';
import { underNamesOf } from './names.ts';
import { readFloat32, readNumber } from './read.ts';
import type { StoredTensor, WeightSource, WeightsOptions } from './source.ts';

/** Increment when merging gives other values for the same files. */
const VERSION = 3;

/** Most files of merged weights in the cache: enough for all networks of two models. */
const KEPT = 6;

/** A change of a weight, and what it is multiplied by beside alpha / rank. */
interface Addition {
  module: LoraModule;
  strength: number;
  /** Where the file's model has several weights as one: all of them, in order; this one is at `index`. */
  fused?: { tensors: readonly StoredTensor[]; index: number };
}

/**
 * The weights of a network with the LoRA files' changes added. Changed weights are computed once and stored in the
 * cache as float32; the others are read from their own file. Every change is one of the weight as the checkpoint has
 * it, so the order of files makes no difference: W + Σ strength · alpha / rank · Δ(W).
 * @throws InputError if a file's shapes are those of another model, AbortError; either leaves no file behind
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

/** Keys of the modules in a file that match no weight of these networks. */
export function modulesWithoutWeight(adapter: Adapter, networks: ReadonlyMap<string, Network>): string[] {
  const known = new Map([...networks].map(([part, network]) => [part, finderIn(network)]));
  const isIdle = (module: LoraModule) => ![...known].some(([part, find]) => find(module, part).length > 0);
  return adapter.modules.filter(isIdle).map(({ key }) => key);
}

/**
 * Finds the names of the weights or biases of a network that a module changes: one, or all that are one in the file.
 */
function finderIn(network: Network): (module: LoraModule, part: string) => string[] {
  // llama.cpp's order of query and key is another one than that of LoRA files.
  const isReordered = network.operators.some((one) => one.type === 'rotation' && one.interleaved);
  const weights = weightsOf(network).filter(({ name }) => !isReordered || !/\.[qk]_proj\./.test(name));
  const names = new Map(weights.map(({ name }) => [name.replaceAll('.', '_'), name]));
  const layers = layersOf(names.keys());
  return ({ key, kind }, part) => {
    const target = loraTarget(key, layers);
    if (target?.part !== part) return [];
    const { fused = [target.path] } = target;
    const found = fused.flatMap((path) => names.get(`${path}_${kind.changes}`) ?? []);
    return found.length === fused.length ? found : [];
  };
}

/** The additions to each tensor that some file changes. */
function additionsFor(
  source: WeightSource,
  part: string,
  network: Network,
  adapters: readonly Adapter[],
): Map<StoredTensor, Addition[]> {
  const namesOf = finderIn(network);
  const named = underNamesOf(network, source);
  const changes = new Map<StoredTensor, Addition[]>();
  for (const { file, strength, modules } of adapters) {
    if (strength === 0) continue;
    for (const module of modules) {
      const names = namesOf(module, part);
      const tensors = names.flatMap((name) => named.find(name) ?? []);
      if (tensors.length === 0 || tensors.length < names.length) continue;
      checkShapes(file, module, stackedShape(tensors));
      for (const [index, tensor] of tensors.entries()) {
        const fused = tensors.length > 1 ? { fused: { tensors, index } } : {};
        changes.set(tensor, [...(changes.get(tensor) ?? []), { module, strength, ...fused }]);
      }
    }
  }
  return changes;
}

/** Shape of weights stacked along the first axis. */
function stackedShape(tensors: readonly StoredTensor[]): number[] {
  const [, ...rest] = tensors[0]!.shape;
  return [tensors.reduce((rows, { shape }) => rows + shape[0]!, 0), ...rest];
}

function checkShapes(
  file: string,
  { key, kind, tensors, magnitude }: LoraModule,
  weight: readonly number[],
): void {
  const shapes = {
    has: (part: string) => tensors.has(part),
    shape: (part: string) => tensors.get(part)!.shape,
  };
  const isMagnitude =
    !magnitude || magnitudeAxis(magnitude.tensor.shape, weight, magnitude.isPeft) !== undefined;
  if (isMagnitude && kind.fits(shapes, weight)) return;
  const parts = [...tensors, ...(magnitude ? [['dora_scale', magnitude.tensor] as const] : [])];
  const listed = parts.map(([part, { shape }]) => `${part} [${shape}]`).join(', ');
  throw new InputError(
    `${file}: ${quoted(key)} (${listed}) does not fit the weight of shape [${weight}] that it changes; the file is made for another model, or damaged.`,
  );
}

async function keptOrMade(
  changes: ReadonlyMap<StoredTensor, readonly Addition[]>,
  options: WeightsOptions,
): Promise<WeightSource> {
  const tensors = [...changes].map(([tensor, additions]) => ({
    name: tensor.name,
    dtype: 'F32' as const,
    shape: tensor.shape,
    chunks: async function* () {
      const values = await mergedValues(tensor, additions);
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    },
  }));
  return keptOrWritten({ folder: 'merged', key: await keyOf(changes), most: KEPT }, tensors, options);
}

/** Hash of the files (path, size and times) and of what is merged from them. */
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
    for (const { module, strength, fused } of additions) {
      if (fused) hash.update(JSON.stringify([fused.index, await Promise.all(fused.tensors.map(place))]));
      const { key, kind, tensors, alpha, magnitude } = module;
      const elsewhere = alpha && 'root' in alpha ? alpha : undefined;
      const stored = [...tensors.values(), ...(magnitude ? [magnitude.tensor] : [])];
      hash.update(
        JSON.stringify([key, kind.name, strength, elsewhere, await Promise.all(stored.map(place))]),
      );
    }
  }
  return hash.hex().slice(0, 32);
}

async function mergedValues(tensor: StoredTensor, additions: readonly Addition[]): Promise<Float32Array> {
  const original = await readFloat32(tensor);
  const result = original.slice();
  for (const addition of additions) {
    const { module, strength, fused } = addition;
    const { key, tensors } = module;
    const { file } = tensors.values().next().value!;
    if (!fused) await addTo(result, { values: original, shape: tensor.shape }, addition);
    else {
      const values = joined(await Promise.all(fused.tensors.map(readFloat32)));
      const changed = values.slice();
      await addTo(changed, { values, shape: stackedShape(fused.tensors) }, addition);
      const from = fused.index * result.length;
      for (let i = 0; i < result.length; i++) result[i]! += changed[from + i]! - values[from + i]!;
    }
    if (!allFinite(result))
      throw new InputError(
        `${file}: with ${quoted(key)} at strength ${strength} the weight ${tensor.name} is beyond what float32 holds; use a smaller strength, or another file.`,
      );
  }
  return result;
}

/** Adds a module's change of a weight. */
async function addTo(
  target: Float32Array,
  weight: ChangedWeight,
  { module, strength }: Addition,
): Promise<void> {
  const { kind, magnitude } = module;
  const parts = await valuesOf(module);
  const scale = await scaleOf(module);
  if (!magnitude) {
    await kind.add(target, parts, weight, strength * scale);
    return;
  }
  const axis = magnitudeAxis(magnitude.tensor.shape, weight.shape, magnitude.isPeft)!;
  const changed = weight.values.slice();
  await kind.add(changed, parts, weight, scale);
  const factors = finite(await readFloat32(magnitude.tensor), module);
  const wanted = withMagnitude(changed, weight.shape, factors, axis);
  for (let i = 0; i < target.length; i++) target[i]! += strength * (wanted[i]! - weight.values[i]!);
}

/** alpha / rank, or alpha / √rank (rsLoRA, Kalajdzievski 2023). */
async function scaleOf(module: LoraModule): Promise<number> {
  const { kind, tensors, alpha } = module;
  const shapes = {
    has: (part: string) => tensors.has(part),
    shape: (part: string) => tensors.get(part)!.shape,
  };
  const rank = kind.rank(shapes);
  if (!alpha || rank === undefined) return 1;
  if ('root' in alpha) return alpha.value / (alpha.root ? Math.sqrt(rank) : rank);
  return finite([await readNumber(alpha)], module)[0]! / rank;
}

async function valuesOf(module: LoraModule): Promise<ModuleValues> {
  const values = new Map<string, Float32Array>();
  for (const [part, tensor] of module.tensors) {
    const isNumber = tensor.shape.every((n) => n === 1);
    const data = isNumber ? Float32Array.of(await readNumber(tensor)) : await readFloat32(tensor);
    values.set(part, finite(data, module));
  }
  return {
    has: (part) => values.has(part),
    get: (part) => values.get(part)!,
    shape: (part) => module.tensors.get(part)!.shape,
  };
}

function finite<T extends ArrayLike<number>>(values: T, { key, tensors }: LoraModule): T {
  if (allFinite(values)) return values;
  const { file } = tensors.values().next().value!;
  throw new InputError(`${file}: ${quoted(key)} holds numbers that are not finite.`);
}
