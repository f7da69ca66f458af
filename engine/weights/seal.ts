import { fileHash } from './file-hash.ts';
import { readRange, withFile } from './range.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { SEAL } from './source.ts';

export const SEAL_BYTES = 32;

/**
 * Whether a sealed file is as it was written. One that was changed or damaged must be made again. The hash is computed
 * once for each version of the file.
 */
export async function isSealed(
  { file, find }: Pick<SafetensorsFile, 'file' | 'find'>,
  signal?: AbortSignal,
): Promise<boolean> {
  const tensor = find(SEAL);
  if (tensor?.dtype !== 'U8' || tensor.length !== SEAL_BYTES) return false;
  const stored = await withFile(file, async (reader, size) =>
    tensor.offset + SEAL_BYTES === size ? readRange(reader, file, tensor.offset, SEAL_BYTES) : undefined,
  );
  return stored !== undefined && hex(stored) === (await fileHash(file, { exceptLast: SEAL_BYTES, signal }));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
