import type { MaskPixels } from '../../shared/api.ts';
import type { Combination } from '../../shared/editorProtocol.ts';
import { boundsOf, cut, type Patch, type Raster, wholeOf } from '../../shared/raster.ts';

/** The mask replaced by an object, with the object added, or without it. */
export function combined(mask: Raster, object: MaskPixels, how: Combination): Patch {
  const patch = cut(mask, wholeOf(mask));
  const { data } = patch;
  for (let i = 0; i < data.length; i++) {
    const value = object.data[i] ? 255 : 0;
    if (how === 'replace') data[i] = value;
    else data[i] = how === 'add' ? Math.max(data[i]!, value) : Math.min(data[i]!, 255 - value);
  }
  return patch;
}

/** The part of a mask that is not empty, 255 inside; undefined if it is. */
export function boundsPatch({ width, height, data }: MaskPixels): Patch | undefined {
  const raster: Raster = {
    width,
    height,
    channels: 1,
    data: Uint8Array.from(data, (value) => (value ? 255 : 0)),
  };
  const bounds = boundsOf(raster);
  return bounds && cut(raster, bounds);
}
