// The embedded models as the web extension reads them: engine/host/web/packed.ts is the other side.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** The model that the package for the web leaves out, to stay under 45 MB. */
const LARGE = 'scenes-control';

/**
 * @returns the index, which has the name of every file, and the files that it refers to, by name. Files with the same
 * contents are there once; numbers of 16 bits are in two parts, because each compresses better by itself.
 */
export function packedModels(folder) {
  const index = {};
  const files = {};
  const kept = new Map();
  for (const name of namesBelow(folder).filter((name) => !name.startsWith(`${LARGE}/`))) {
    const bytes = fs.readFileSync(path.join(folder, name));
    const hash = createHash('sha256').update(bytes).digest('hex');
    const first = kept.get(hash);
    kept.set(hash, first ?? name);
    const halves = name.endsWith('.safetensors');
    if (!first) files[name] = halves ? inHalves(bytes) : bytes;
    index[name] = { bytes: bytes.length, ...(first && { file: first }), ...(halves && { halves }) };
  }
  return { index, files };
}

function namesBelow(folder) {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort();
}

/** The bytes at even places, then those at odd ones. */
function inHalves(bytes) {
  const half = Math.ceil(bytes.length / 2);
  return Buffer.from(bytes.map((_, i) => bytes[i < half ? 2 * i : 2 * (i - half) + 1]));
}
