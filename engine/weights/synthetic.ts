import { path, sha256 } from '#host';
import type { Weight } from '../graph/values.ts';
import { gaussianNoise, philox } from '../noise.ts';
import { openOrMake } from './made-file.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { type TensorToWrite, writeSafetensors } from './write.ts';

export interface SyntheticOptions {
  seed: number;
  /** Folder for files that are reused between runs; created if it is missing. */
  folder: string;
  onProgress?: (writtenBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/** Increment when the same parameters get other values. */
const VERSION = 1;

/** Size of a pool of normal numbers. Parameters are scaled copies of pseudo-random ranges of it. */
const POOL_LENGTH = 1 << 21;
const CHUNK_LENGTH = 1 << 20;

/**
 * A float32 safetensors file with values that let a network of any size run without overflow: weights
 * 0.8/√fan-in · n, biases and means 0.05 · n, gains and variances 1 + 0.05 · n with n standard normal. A tensor's
 * values depend only on the seed and its name. The file is made once per list and seed and then reused.
 * @throws InputError if it cannot be written anywhere, an AbortError when aborted; no partial file stays.
 */
export async function syntheticWeights(
  parameters: readonly Weight[],
  { seed, folder, onProgress, signal }: SyntheticOptions,
): Promise<SafetensorsFile> {
  const list = parameters.map(({ name, shape, kind }) => [name, shape, kind]);
  const key = sha256()
    .update(JSON.stringify([VERSION, seed, list]))
    .hex()
    .slice(0, 24);
  const file = path.join(path.resolve(folder), `synthetic-${key}.safetensors`);
  return openOrMake(file, {
    open: (place) => openKept(place, parameters),
    async make(place) {
      const tensors = tensorsOf(parameters, seed, onProgress);
      await writeSafetensors(place, tensors, { format: 'pt', source: 'synthetic' }, signal);
      return openSafetensors(place);
    },
  });
}

function tensorsOf(
  parameters: readonly Weight[],
  seed: number,
  onProgress: SyntheticOptions['onProgress'],
): TensorToWrite[] {
  const pool = gaussianNoise(seed, 0, POOL_LENGTH);
  const totalBytes = parameters.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);
  let writtenBytes = 0;
  return parameters.map(
    (parameter): TensorToWrite => ({
      name: parameter.name,
      dtype: 'F32',
      shape: parameter.shape,
      *chunks() {
        for (const chunk of valuesOf(parameter, seed, pool)) {
          yield chunk;
          writtenBytes += chunk.length;
          onProgress?.(writtenBytes, totalBytes);
        }
      },
    }),
  );
}

/** Bytes of a parameter, chunk by chunk; the buffer is reused. */
function* valuesOf(parameter: Weight, seed: number, pool: Float32Array): Generator<Uint8Array> {
  const count = elements(parameter.shape);
  const fanIn = elements(parameter.shape.slice(1));
  const scale = parameter.kind === 'weight' ? 0.8 / Math.sqrt(fanIn) : 0.05;
  const shift = parameter.kind === 'gain' || parameter.kind === 'variance' ? 1 : 0;
  const digest = sha256().update(parameter.name).bytes();
  const stream = new DataView(digest.buffer, digest.byteOffset).getUint32(0, true);
  const chunk = new Float32Array(Math.min(count, CHUNK_LENGTH));
  const random = new Uint32Array(4);
  for (let begin = 0; begin < count; begin += CHUNK_LENGTH) {
    philox(seed, stream, begin / CHUNK_LENGTH, random);
    const start = random[0]! % (POOL_LENGTH - CHUNK_LENGTH);
    const length = Math.min(CHUNK_LENGTH, count - begin);
    for (let i = 0; i < length; i++) chunk[i] = shift + scale * pool[start + i]!;
    yield new Uint8Array(chunk.buffer, 0, 4 * length);
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** The file of an earlier run, unless it is missing or damaged. */
async function openKept(file: string, parameters: readonly Weight[]): Promise<SafetensorsFile | undefined> {
  try {
    const source = await openSafetensors(file);
    return parameters.every(({ name }) => source.find(name)) ? source : undefined;
  } catch {
    return undefined;
  }
}
