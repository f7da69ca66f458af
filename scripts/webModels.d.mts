import type { PackedIndex } from '../engine/host/web/packed.ts';

export function packedModels(folder: string): { index: PackedIndex; files: Record<string, Uint8Array> };
