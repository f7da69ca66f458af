import type * as z from 'zod';
import type { RegionChoice } from '../shared/api.ts';
import type { FIELDS } from './fields.ts';
import type { BoundedFolders } from './folders.ts';

/** Regions of a request, whose masks are read. @throws InputError for a mask that is missing, outside, or no image */
export async function readRegions(
  folders: BoundedFolders,
  regions: z.output<typeof FIELDS.regions>,
): Promise<{ regions?: RegionChoice<Uint8Array>[] }> {
  if (!regions) return {};
  const read = regions.map(async ({ prompt, mask }) => ({ prompt, mask: (await folders.read(mask)).bytes }));
  return { regions: await Promise.all(read) };
}
