import { path } from '#host';
import { isShardName } from '../weights/diffusers.ts';
import { type ModelKind, neededFiles } from './selection.ts';

/** Bytes of an index. */
export const MAX_INDEX_BYTES = 16 << 20;

/**
 * Files named by each index of a model. A repository may also hold another split of the same weights, and file names may
 * follow no pattern. Indexes that cannot be read are skipped.
 * @param read returns the content of a file of the model
 */
export async function indexedFiles(
  kind: ModelKind,
  names: readonly string[],
  origin: string,
  read: (index: string) => Promise<string | undefined>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const indexed = new Map<string, string[]>();
  for (const index of neededFiles(kind, names, origin).filter(isIndex)) {
    const shards = shardsIn(await read(index));
    if (shards)
      indexed.set(
        index,
        shards.map((name) => `${path.dirname(index)}/${name}`),
      );
  }
  return indexed;
}

function isIndex(name: string): boolean {
  return /\.index(\.fp16)?\.json$/.test(name);
}

function shardsIn(text: string | undefined): string[] | undefined {
  try {
    const { weight_map: map } = JSON.parse(text ?? '');
    const names = [...new Set(Object.values(map))];
    return names.every((name) => typeof name === 'string' && isShardName(name))
      ? (names as string[])
      : undefined;
  } catch {
    return undefined;
  }
}
