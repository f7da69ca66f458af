import { InputError } from '../errors.ts';
import type { Components } from '../execution/components.ts';
import { keysName, PAST, valuesName } from '../execution/forms/continued.ts';
import type { Network } from '../graph/network.ts';
import { float32, floats, int64, type Tensor } from '../graph/tensor.ts';
import type { NetworkRole } from '../models/networks.ts';
import { keptOrWritten } from '../weights/kept-file.ts';
import { readFloat32 } from '../weights/read.ts';

type Feeds = Record<string, Tensor>;

/** What a language model knows of tokens with which texts begin. */
export interface KnownPrefix {
  readonly ids: readonly number[];
  /** The state of the first token [channels]. */
  readonly first: Float32Array;
  /** Inputs of the form `continued`. */
  readonly feeds: Feeds;
}

/** Increment when the same prefix gives other numbers. */
const VERSION = 1;
const FIRST = 'first';
/** Files that are kept: one takes about 40 MB with Gemma 2. */
const MOST_KEPT = 4;

/** Inputs of the form `continued` for texts that begin with nothing that is known. */
export function nothingKnown(network: Network): Feeds {
  const feeds: Feeds = { [PAST]: count(0) };
  for (const [name, channels] of featuresOf(network))
    feeds[name] = float32(new Float32Array(), [1, 0, channels]);
  return feeds;
}

/**
 * Computes a prefix, or reads it from the cache's folder `prefixes`, where it is kept by the content of weights and tokens.
 * With float32 weights it is not kept, because hashing them takes longer than computing it.
 * @param output the name of the states
 */
export async function knownPrefix(
  components: Components,
  role: NetworkRole,
  ids: readonly number[],
  output: string,
): Promise<KnownPrefix> {
  const network = components.network(role);
  let making: Promise<Map<string, Float32Array>> | undefined;
  const made = () => {
    making ??= computed(components, role, ids, output);
    return making;
  };
  const identity = await components.textIdentity(role, [VERSION, output, ids]);
  const values = identity
    ? await keptValues(identity, network, { length: ids.length, output }, made)
    : await made();
  return prefixOf(ids, network, values);
}

/** The values of a file of the cache, written there first; those that were made if the cache takes no file. */
async function keptValues(
  key: string,
  network: Network,
  { length, output }: { length: number; output: string },
  made: () => Promise<Map<string, Float32Array>>,
): Promise<ReadonlyMap<string, Float32Array>> {
  const states = network.outputs.get(output);
  if (states?.kind !== 'tokens') throw new Error(`${output} is not a sequence`);
  const { channels } = states;
  const shapes = [...featuresOf(network)].map(([name, width]) => [name, [1, length, width]] as const);
  const all = [[FIRST, [channels]] as const, ...shapes];
  const tensors = all.map(([name, shape]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    async *chunks() {
      const { buffer, byteOffset, byteLength } = (await made()).get(name)!;
      yield new Uint8Array(buffer, byteOffset, byteLength);
    },
  }));
  try {
    const kept = await keptOrWritten({ folder: 'prefixes', key, most: MOST_KEPT }, tensors);
    const read = tensors.map(async ({ name }) => [name, await readFloat32(kept.find(name)!)] as const);
    return new Map(await Promise.all(read));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return made();
  }
}

/** Names of keys and values of each attention, with their channels. */
function featuresOf(network: Network): Map<string, number> {
  const features = new Map<string, number>();
  for (const operator of network.operators) {
    if (operator.type !== 'attention') continue;
    features.set(keysName(operator.path), operator.key.channels);
    features.set(valuesName(operator.path), operator.value.channels);
  }
  return features;
}

async function computed(
  components: Components,
  role: NetworkRole,
  ids: readonly number[],
  output: string,
): Promise<Map<string, Float32Array>> {
  const network = components.network(role);
  const program = await components.continued(role);
  if (!program) throw new Error(`the ${role} cannot go on from known tokens here`);
  const names = [...featuresOf(network).keys()];
  const inputs = {
    input_ids: int64(BigInt64Array.from(ids, BigInt), [1, ids.length]),
    attention_mask: int64(new BigInt64Array(ids.length).fill(1n), [1, ids.length]),
    ...nothingKnown(network),
  };
  const outputs = await program.run(inputs, [output, ...names.map((name) => `new.${name}`)]);
  const states = floats(outputs, output);
  const values = new Map<string, Float32Array>([[FIRST, states.slice(0, states.length / ids.length)]]);
  for (const name of names) values.set(name, floats(outputs, `new.${name}`));
  return values;
}

function prefixOf(
  ids: readonly number[],
  network: Network,
  values: ReadonlyMap<string, Float32Array>,
): KnownPrefix {
  const feeds: Feeds = { [PAST]: count(ids.length) };
  for (const [name, channels] of featuresOf(network))
    feeds[name] = float32(values.get(name)!, [1, ids.length, channels]);
  return { ids, first: values.get(FIRST)!, feeds };
}

function count(tokens: number): Tensor {
  return int64(BigInt64Array.of(BigInt(tokens)), [1]);
}
