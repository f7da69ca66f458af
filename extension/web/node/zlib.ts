/** The part of node:zlib that the extension uses. */
import { deflateSync, Inflate } from 'fflate';

/** Bytes given to the inflater at once. Inflated, they are at most a thousand times as many. */
const PIECE = 1 << 12;

export function deflateRawSync(bytes: Uint8Array, { level = 6 } = {}): Uint8Array {
  return deflateSync(bytes, { level: level as 6 });
}

/** @throws RangeError for more than `maxOutputLength` bytes */
export function inflateRawSync(
  bytes: Uint8Array,
  { maxOutputLength = Number.POSITIVE_INFINITY } = {},
): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const inflater = new Inflate((part) => {
    length += part.length;
    if (length > maxOutputLength) throw new RangeError(`more than ${maxOutputLength} bytes`);
    parts.push(part);
  });
  for (let at = 0; at < bytes.length || at === 0; at += PIECE)
    inflater.push(bytes.subarray(at, at + PIECE), at + PIECE >= bytes.length);
  const result = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
