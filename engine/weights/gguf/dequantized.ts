import { fs, sha256 } from '#host';
import { toHalves } from '../../../shared/halves.ts';
import { keptOrWritten } from '../kept-file.ts';
import { BLOCK } from '../quantized.ts';
import { readRange, withFile } from '../range.ts';
import type { StoredTensor, WeightSource, WeightsOptions } from '../source.ts';
import type { TensorToWrite } from '../write.ts';
import { DEQUANTIZE, isQuantized } from './blocks.ts';
import { blockBytes, fittingForm, type OwnBlocks, type OwnForm, ownBlocks } from './own-blocks.ts';
import { typeOf } from './types.ts';

/** Files that are kept: the networks of a few models. */
const KEPT = 4;
/** Blocks converted at a time. */
const CHUNK_BLOCKS = 1 << 14;

/**
 * The same weights with ggml's quantized tensors as networks read them: in blocks of ours where these have the same values
 * and `blocks` allows it, else in half precision. Converted once, and kept in a file of the cache. The others stay where
 * they are.
 * @throws InputError as `keptOrWritten`
 */
export async function dequantized(source: WeightSource, options?: WeightsOptions): Promise<WeightSource> {
  const names = [...source.names()].filter((name) => isQuantized(source.find(name)!));
  if (names.length === 0) return source;
  const formOf = (name: string) => (options?.blocks?.(name) ? fittingForm(source.find(name)!) : undefined);
  const tensors = names.flatMap((name) => {
    const tensor = source.find(name)!;
    const form = formOf(name);
    return form ? blocksOf(tensor, form) : [halvesOf(tensor)];
  });
  const kept = await keptOrWritten(
    { folder: 'converted', key: await keyOf(tensors, source, names), most: KEPT },
    tensors,
    options,
  );
  return {
    origin: source.origin,
    names: () => source.names(),
    find(name) {
      const form = formOf(name);
      if (!form) return kept.find(name) ?? source.find(name);
      const [values, scale, minimum] = (['values', 'scale', 'minimum'] as const).map((part) =>
        kept.find(partName(name, part)),
      );
      const blocks = { bits: form.bits, values: values!, scale: scale!, ...(minimum && { minimum }) };
      return { ...source.find(name)!, blocks };
    },
  };
}

const partName = (name: string, part: keyof OwnBlocks) => `${name}:${part === 'values' ? 'blocks' : part}`;

/** A tensor's blocks in our form: its values, then the scales and minima that were read with them. */
function blocksOf(tensor: StoredTensor, { bits, minimum, half }: OwnForm): TensorToWrite[] {
  const [columns = 0, rows = 0] = tensor.shape;
  const { values: inBlock, bytes } = typeOf(tensor);
  const shape = [columns, rows / BLOCK];
  const kept: { scale: Uint8Array[]; minimum: Uint8Array[] } = { scale: [], minimum: [] };
  async function* values() {
    kept.scale = [];
    kept.minimum = [];
    for await (const stored of piecesOf(tensor)) {
      const own = ownBlocks(stored, tensor.dtype, ((stored.length / bytes) * inBlock) / BLOCK);
      kept.scale.push(bytesOf(half ? toHalves(own.scale) : own.scale));
      if (minimum) kept.minimum.push(bytesOf(own.minimum));
      yield own.values;
    }
  }
  const written = (part: 'scale' | 'minimum', dtype: 'F16' | 'F32'): TensorToWrite => ({
    name: partName(tensor.name, part),
    dtype,
    shape,
    chunks: () => kept[part].splice(0),
  });
  return [
    {
      name: partName(tensor.name, 'values'),
      dtype: 'U8',
      shape: [...shape, blockBytes(bits)],
      chunks: values,
    },
    written('scale', half ? 'F16' : 'F32'),
    ...(minimum ? [written('minimum', 'F32')] : []),
  ];
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function halvesOf(tensor: StoredTensor): TensorToWrite {
  return {
    name: tensor.name,
    dtype: 'F16',
    shape: tensor.shape,
    async *chunks() {
      const { values, bytes } = typeOf(tensor);
      for await (const stored of piecesOf(tensor)) {
        const floats = new Float32Array((stored.length / bytes) * values);
        DEQUANTIZE[tensor.dtype]!(stored, floats);
        yield bytesOf(toHalves(floats));
      }
    },
  };
}

/** ggml's blocks of a tensor, many at a time. */
async function* piecesOf(tensor: StoredTensor): AsyncGenerator<Uint8Array> {
  const { bytes } = typeOf(tensor);
  const count = tensor.length / bytes;
  for (let from = 0; from < count; from += CHUNK_BLOCKS) {
    const blocks = Math.min(CHUNK_BLOCKS, count - from);
    yield await withFile(tensor.file, (reader) =>
      readRange(reader, tensor.file, tensor.offset + from * bytes, blocks * bytes),
    );
  }
}

/** By the file, distinguished by place, size and time, and the tensors. */
async function keyOf(
  tensors: readonly TensorToWrite[],
  source: WeightSource,
  names: readonly string[],
): Promise<string> {
  const hash = sha256();
  const files = new Set(names.map((name) => source.find(name)!.file));
  for (const file of files) {
    const { size, mtimeMs, ctimeMs } = await fs.stat(file);
    hash.update([file, size, mtimeMs, ctimeMs].join('\n'));
  }
  for (const name of names) hash.update(`${name} ${source.find(name)!.offset}\n`);
  for (const { name, shape } of tensors) hash.update(`${name} ${shape}\n`);
  return hash.hex().slice(0, 32);
}
