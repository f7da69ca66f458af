import { crc32, deflateSync, inflateSync } from 'node:zlib';
import type { Compression } from '../host.ts';

export const compression: Compression = {
  crc32: (bytes) => crc32(bytes),
  deflate: (bytes) => deflateSync(bytes),
  inflate: (bytes, most) => inflateSync(bytes, { maxOutputLength: most }),
};
