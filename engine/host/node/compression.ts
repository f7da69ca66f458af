import { promisify } from 'node:util';
import { crc32, deflateRaw, deflateSync, inflateRaw, inflateSync } from 'node:zlib';
import type { Compression } from '../host.ts';

/** Bytes that are handed over at once: by less, this thread is called for too often. */
const PIECE = 1 << 20;

const deflating = promisify(deflateRaw);
const inflating = promisify(inflateRaw);

export const compression: Compression = {
  crc32: (bytes) => crc32(bytes),
  deflate: (bytes) => deflateSync(bytes),
  inflate: (bytes, most) => inflateSync(bytes, { maxOutputLength: most }),
  deflateRaw: async (bytes) => alone(await deflating(bytes, { level: 1, chunkSize: pieceFor(bytes.length) })),
  inflateRaw: async (bytes, most) =>
    alone(await inflating(bytes, { maxOutputLength: Math.max(1, most), chunkSize: pieceFor(most) })),
};

/** Bytes that share no memory with others: small results are parts of one pool. */
function alone({ buffer, byteLength, byteOffset }: Buffer): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  return byteLength === buffer.byteLength ? bytes : bytes.slice();
}

/** zlib's own least is 64. */
function pieceFor(bytes: number): number {
  return Math.max(64, Math.min(PIECE, bytes));
}
