import { type FileWriter, fs, sha256 } from '#host';
import { abortError } from '../errors.ts';
import { byteLength } from './dtypes.ts';
import { SEAL_BYTES } from './seal.ts';
import type { Dtype } from './source.ts';
import { SEAL } from './source.ts';

/** A tensor to write. `chunks` yields its bytes in order, computed on demand. */
export interface TensorToWrite {
  name: string;
  dtype: Dtype;
  shape: readonly number[];
  chunks: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Data starts at a multiple of this, as in the reference implementation. */
const ALIGNMENT = 8;

/**
 * Writes a safetensors file, tensor after tensor, holding one chunk at a time. The file appears under its name only
 * when it is complete; on an error or abort nothing is left.
 * @throws InputError if the file cannot be written.
 */
export async function writeSafetensors(
  file: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<void> {
  const header = encodeHeader(tensors, metadata);
  await fs.writeAtomically(file, async (writer) => {
    await writer.write(header);
    for (const tensor of tensors) await writeTensor(writer, tensor, signal);
  });
}

/** The same for a cached file. Its last tensor is the hash of the rest; see `isSealed`. */
export async function writeSealed(
  file: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<void> {
  const hash = sha256();
  const seal: TensorToWrite = { name: SEAL, dtype: 'U8', shape: [SEAL_BYTES], chunks: () => [hash.bytes()] };
  const header = encodeHeader([...tensors, seal], metadata);
  await fs.writeAtomically(file, async (writer) => {
    const hashing: FileWriter = {
      write: async (data) => {
        hash.update(data);
        await writer.write(data);
      },
    };
    await hashing.write(header);
    for (const tensor of tensors) await writeTensor(hashing, tensor, signal);
    await writeTensor(writer, seal, signal);
  });
}

async function writeTensor(writer: FileWriter, tensor: TensorToWrite, signal?: AbortSignal): Promise<void> {
  const expected = lengthOf(tensor);
  let written = 0;
  for await (const chunk of tensor.chunks()) {
    if (signal?.aborted) throw abortError();
    written += chunk.length;
    if (written > expected) break;
    await writer.write(chunk);
  }
  if (written !== expected)
    throw new RangeError(`The chunks of ${tensor.name} are not its ${expected} bytes.`);
}

/** Length prefix and JSON, padded with spaces. */
function encodeHeader(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) entries.set('__metadata__', metadata);
  let offset = 0;
  for (const tensor of tensors) {
    if (entries.has(tensor.name)) throw new RangeError(`There are two tensors named ${tensor.name}.`);
    const end = offset + lengthOf(tensor);
    entries.set(tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] });
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

function lengthOf(tensor: TensorToWrite): number {
  const length = byteLength(tensor.dtype, tensor.shape);
  if (length === undefined) throw new RangeError(`${tensor.name} is too large.`);
  return length;
}
