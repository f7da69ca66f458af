import { compression } from '#host';
import type { Area, Patch } from '../../shared/raster.ts';

/** The values of an area, deflated. */
export interface Packed extends Area {
  deflated: Uint8Array<ArrayBuffer>;
}

export async function packed({ left, top, width, height, data }: Patch): Promise<Packed> {
  return { left, top, width, height, deflated: await compression.deflateRaw(data) };
}

/**
 * @throws RangeError if it does not inflate to exactly its area's values, of this many channels; more are not read.
 * Others for damaged bytes.
 */
export async function unpacked(
  { deflated, left, top, width, height }: Packed,
  channels: number,
): Promise<Patch> {
  const length = width * height * channels;
  const data = await compression.inflateRaw(deflated, length);
  if (data.length !== length) throw new RangeError('A part of an image is damaged.');
  return { left, top, width, height, data };
}
