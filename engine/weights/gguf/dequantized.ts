import { fs, sha256 } from '#host';
import { toHalves } from '../halves.ts';
import { keptOrWritten } from '../kept-file.ts';
import { readRange, withFile } from '../range.ts';
import type { StoredTensor, WeightSource, WeightsOptions } from '../source.ts';
import { DEQUANTIZE } from './blocks.ts';
import { GGUF_TYPES } from './types.ts';

/** Files that are kept: the networks of a few models. */
const KEPT = 4;
/** Blocks converted at a time. */
const CHUNK_BLOCKS = 1 << 14;

/** Whether a tensor holds ggml's quantized blocks. */
export function isQuantized({ dtype }: StoredTensor): boolean {
  return Object.hasOwn(DEQUANTIZE, dtype);
}

/**
 * The same weights with ggml's quantized tensors in half precision: converted once, and kept in a file of the cache. The others
 * stay where they are.
 * @throws InputError as `keptOrWritten`
 */
export async function dequantized(source: WeightSource, options?: WeightsOptions): Promise<WeightSource> {
  const names = [...source.names()].filter((name) => isQuantized(source.find(name)!));
  if (names.length === 0) return source;
  const tensors = names.map((name) => {
    const tensor = source.find(name)!;
    return { name, dtype: 'F16' as const, shape: tensor.shape, chunks: () => halvesOf(tensor) };
  });
  const kept = await keptOrWritten(
    { folder: 'converted', key: await keyOf(names, source), most: KEPT },
    tensors,
    options,
  );
  return {
    origin: source.origin,
    names: () => source.names(),
    find: (name) => kept.find(name) ?? source.find(name),
  };
}

async function* halvesOf(tensor: StoredTensor): AsyncGenerator<Uint8Array> {
  const { values, bytes } = [...GGUF_TYPES.values()].find(({ name }) => name === tensor.dtype)!;
  const count = tensor.length / bytes;
  for (let from = 0; from < count; from += CHUNK_BLOCKS) {
    const blocks = Math.min(CHUNK_BLOCKS, count - from);
    const stored = await withFile(tensor.file, (reader) =>
      readRange(reader, tensor.file, tensor.offset + from * bytes, blocks * bytes),
    );
    const floats = new Float32Array(blocks * values);
    DEQUANTIZE[tensor.dtype]!(stored, floats);
    const halves = toHalves(floats);
    yield new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
  }
}

/** By the file, distinguished by place, size and time, and the tensors. */
async function keyOf(names: readonly string[], source: WeightSource): Promise<string> {
  const hash = sha256();
  const files = new Set(names.map((name) => source.find(name)!.file));
  for (const file of files) {
    const { size, mtimeMs, ctimeMs } = await fs.stat(file);
    hash.update([file, size, mtimeMs, ctimeMs].join('\n'));
  }
  for (const name of names) hash.update(`${name} ${source.find(name)!.offset}\n`);
  return hash.hex().slice(0, 32);
}
