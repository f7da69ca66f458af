import { fs, path } from '#host';
import { InputError, quoted } from '../errors.ts';
import { codeOf } from '../files.ts';
import { readJson } from '../json.ts';
import { isShardName, PICKLE, weightFiles } from './diffusers.ts';
import { openPickle } from './pickle/open.ts';
import { openSafetensors } from './safetensors.ts';
import type { StoredTensor, WeightSource } from './source.ts';

/** Bounds on an untrusted index, far above any published checkpoint. */
const MAX_INDEX_BYTES = 100_000_000;
const MAX_SHARDS = 1000;

/**
 * The weights of one network in a model folder: `<stem>.safetensors`, a sharded checkpoint with an index, or the
 * float16 variant of either; else a file of PyTorch. Only headers are read.
 * @param stem `diffusion_pytorch_model` for diffusers' networks, `model` for text encoders.
 * @throws InputError if there are none, or files that contradict each other.
 */
export async function openWeights(folder: string, stem: string): Promise<WeightSource> {
  const root = path.resolve(folder);
  const names = new Set(await list(root));
  const { float, half } = weightFiles(stem);
  for (const name of [float.file, ...float.indexes, half.file, ...half.indexes]) {
    if (!names.has(name)) continue;
    return name.endsWith('.json') ? openSharded(root, name) : openSafetensors(path.join(root, name));
  }
  const pickle = [...names].find((name) => PICKLE.test(name));
  // Read without being run.
  if (pickle) return openPickle(path.join(root, pickle));
  throw new InputError(`${root} has no weights: ${float.file} is missing; get the whole model folder.`);
}

async function list(folder: string): Promise<string[]> {
  try {
    return await fs.readdir(folder);
  } catch (error) {
    const reason = codeOf(error) === 'ENOENT' ? 'does not exist' : 'cannot be read as a folder';
    throw new InputError(`${folder} ${reason}; the model folder is not complete.`, { cause: error });
  }
}

async function openSharded(folder: string, indexName: string): Promise<WeightSource> {
  const file = path.join(folder, indexName);
  const weightMap = await readIndex(file);
  const shardNames = [...new Set(weightMap.values())];
  if (shardNames.length > MAX_SHARDS) throw new InputError(`${file} lists more than ${MAX_SHARDS} files.`);
  const shards = new Map<string, WeightSource>();
  for (const name of shardNames) {
    if (!isShardName(name)) {
      throw new InputError(`${file} names ${quoted(name)}, which is not a safetensors file of its folder.`);
    }
    shards.set(name, await openSafetensors(path.join(folder, name)));
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shard] of weightMap) {
    const tensor = shards.get(shard)!.find(name);
    if (!tensor) {
      throw new InputError(
        `${file} says that tensor ${quoted(name)} is in ${shard}, but it is not there; get the model folder again.`,
      );
    }
    tensors.set(name, tensor);
  }
  return { origin: file, names: () => tensors.keys(), find: (name) => tensors.get(name) };
}

/** `weight_map` of an index: the name of the shard for every tensor. */
async function readIndex(file: string): Promise<Map<string, string>> {
  const index = await readJson(file, { most: MAX_INDEX_BYTES });
  const map = index && typeof index === 'object' && 'weight_map' in index ? index.weight_map : undefined;
  if (!map || typeof map !== 'object' || Array.isArray(map)) {
    throw new InputError(`${file} has no weight_map; get the model folder again.`);
  }
  const entries = Object.entries(map);
  const odd = entries.find(([, shard]) => typeof shard !== 'string');
  if (odd) throw new InputError(`${file}: the weight_map entry of ${quoted(odd[0])} is not a file name.`);
  return new Map(entries as [string, string][]);
}
