import { InputError } from '../errors.ts';
import { parseHeader } from './header.ts';
import { openTensorFile } from './opened-file.ts';
import { readRange } from './range.ts';
import { readFloat32, readInt64 } from './read.ts';
import type { StoredTensor, TensorFile } from './source.ts';

/** The bound of the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes of the header's length at the start of the file. */
const PREFIX_BYTES = 8;

/** A safetensors file whose header has been read and checked. */
export interface SafetensorsFile extends TensorFile {
  /** The values of a floating-point tensor, converted to float32. @throws InputError for integers. */
  readFloat32(tensor: StoredTensor): Promise<Float32Array>;
  /** The values of an integer or boolean tensor. @throws InputError for floating-point numbers. */
  readInt64(tensor: StoredTensor): Promise<BigInt64Array>;
}

/**
 * Opens a safetensors file. Only the header is read; the file is not kept open.
 * @throws InputError if it cannot be read or is not a valid safetensors file.
 */
export async function openSafetensors(place: string): Promise<SafetensorsFile> {
  const opened = await openTensorFile(place, async (handle, file, size) => {
    if (size < PREFIX_BYTES)
      throw new InputError(`${file} is too short for a safetensors file; get it again.`);
    const prefix = await readRange(handle, file, 0, PREFIX_BYTES);
    const headerBytes = new DataView(prefix.buffer).getBigUint64(0, true);
    if (headerBytes > BigInt(size - PREFIX_BYTES)) {
      throw new InputError(
        `${file}: the header is longer than the file; it is cut off or not a safetensors file, get it again.`,
      );
    }
    if (headerBytes > BigInt(MAX_HEADER_BYTES)) {
      throw new InputError(
        `${file}: the header is larger than ${MAX_HEADER_BYTES} bytes, which is not supported.`,
      );
    }
    const dataStart = PREFIX_BYTES + Number(headerBytes);
    const header = await readRange(handle, file, PREFIX_BYTES, Number(headerBytes));
    return parseHeader(decodeUtf8(header, file), file, dataStart, size - dataStart);
  });
  return { ...opened, readFloat32, readInt64 };
}

function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new InputError(`${file}: the header is not valid UTF-8; the file is damaged, get it again.`);
  }
}
