/** Whole files of the fixtures, as values that the fuzz suite changes. */
import { readFileSync } from 'node:fs';
import { BYTES_PER_ELEMENT } from '../../engine/weights/dtypes.ts';
import { openTensors } from '../../engine/weights/tensor-file.ts';
import { safetensorsBytes } from '../../engine/weights/testing.ts';

export function readJsonFile(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** The types and shapes of a file's tensors, by name. */
export async function shapesIn(file: string): Promise<Record<string, { dtype: string; shape: number[] }>> {
  const source = await openTensors(file);
  return Object.fromEntries(
    [...source.names()].map((name) => {
      const { dtype, shape } = source.find(name)!;
      return [name, { dtype, shape: [...shape] }];
    }),
  );
}

/** A file whose header describes each tensor as given, true or not. */
export function fileSaying(tensors: unknown): Uint8Array {
  if (typeof tensors !== 'object' || tensors === null)
    return safetensorsBytes(JSON.stringify(tensors) ?? '', new Uint8Array(0));
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [key, tensor] of Object.entries(tensors)) {
    const { dtype, shape } = (tensor ?? {}) as { dtype?: unknown; shape?: unknown };
    const size = typeof dtype === 'string' ? (BYTES_PER_ELEMENT[dtype as 'F32'] ?? 0) : 0;
    const length = Array.isArray(shape)
      ? shape.reduce((a, b) => (typeof b === 'number' ? a * b : 0), size)
      : 0;
    const fits = Number.isInteger(length) && length >= 0 && length <= 1 << 20 ? length : 0;
    const value =
      typeof tensor === 'object' && tensor !== null ? { ...tensor, data_offsets: [end, end + fits] } : tensor;
    Object.defineProperty(header, key, { value, enumerable: true });
    end += fits;
  }
  return safetensorsBytes(JSON.stringify(header), new Uint8Array(end).fill(60));
}
