import { Unzlib, zlibSync } from 'fflate';
import type { Compression } from '../host.ts';

/** Bytes given to the inflater at once. Inflated, they are at most a thousand times as many. */
const PIECE = 1 << 12;

export const compression: Compression = {
  crc32(bytes) {
    let crc = 0xffffffff;
    for (const byte of bytes) crc = CRC[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
  },
  deflate: (bytes) => zlibSync(bytes),
  inflate(bytes, most) {
    const parts: Uint8Array[] = [];
    let length = 0;
    let ended = false;
    const inflater = new Unzlib((part, final) => {
      length += part.length;
      if (length > most) throw new RangeError(`the data is longer than ${most} bytes`);
      parts.push(part);
      ended ||= final;
    });
    for (let at = 0; at < bytes.length; at += PIECE)
      inflater.push(bytes.subarray(at, at + PIECE), at + PIECE >= bytes.length);
    if (!ended) throw new Error('the data ends early');
    const result = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      result.set(part, at);
      at += part.length;
    }
    const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4);
    if (adler32(result) !== stored) throw new Error('the data is damaged');
    return result;
  },
  deflateRaw: (bytes) => piped(bytes, new CompressionStream('deflate-raw'), Number.POSITIVE_INFINITY),
  inflateRaw: (bytes, most) => piped(bytes, new DecompressionStream('deflate-raw'), most),
};

/** What a stream makes of bytes. @throws if that is longer than `most`, or the stream refuses them */
async function piped(
  bytes: Uint8Array<ArrayBuffer>,
  stream: GenericTransformStream,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      void reader.cancel();
      throw new RangeError(`the data is longer than ${most} bytes`);
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** The table of the polynomial 0xedb88320 (w3.org/TR/png-3, annex D). */
const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** RFC 1950, 2.2. */
function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let at = 0; at < bytes.length; ) {
    // This many additions do not overflow.
    for (const end = Math.min(at + 5000, bytes.length); at < end; at++) {
      a += bytes[at]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}
