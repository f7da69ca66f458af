import type { Pixels } from '../host.ts';

/** Stored pixels as they are seen: turned and mirrored by EXIF's orientation, 1 … 8 (CIPA DC-008, 4.6.4). */
export function upright<Data extends Uint8Array | Uint16Array>(
  pixels: Pixels<Data>,
  orientation: number,
): Pixels<Data> {
  return orientation === 1 ? pixels : moved(pixels, orientation, false);
}

/** Pixels as they are seen → as a file of this orientation stores them. */
export function stored<Data extends Uint8Array | Uint16Array>(
  pixels: Pixels<Data>,
  orientation: number,
): Pixels<Data> {
  return orientation === 1 ? pixels : moved(pixels, orientation, true);
}

function moved<Data extends Uint8Array | Uint16Array>(
  { width, height, channels, data }: Pixels<Data>,
  orientation: number,
  back: boolean,
): Pixels<Data> {
  const swaps = orientation > 4;
  const result = data.slice() as Data;
  // Width and height as stored and as seen.
  const [across, down] = back && swaps ? [height, width] : [width, height];
  const [seenAcross, seenDown] = swaps ? [down, across] : [across, down];
  for (let y = 0; y < seenDown; y++)
    for (let x = 0; x < seenAcross; x++) {
      const [column, row] = storedPlace(orientation, x, y, across, down);
      const seen = (y * seenAcross + x) * channels;
      const kept = (row * across + column) * channels;
      const [to, from] = back ? [kept, seen] : [seen, kept];
      for (let i = 0; i < channels; i++) result[to + i] = data[from + i]!;
    }
  return back
    ? { width: across, height: down, channels, data: result }
    : { width: seenAcross, height: seenDown, channels, data: result };
}

/** Where a seen pixel is stored; width and height as stored. */
function storedPlace(
  orientation: number,
  x: number,
  y: number,
  width: number,
  height: number,
): [x: number, y: number] {
  const [right, bottom] = [width - 1, height - 1];
  const places: Readonly<Record<number, [number, number]>> = {
    2: [right - x, y],
    3: [right - x, bottom - y],
    4: [x, bottom - y],
    5: [y, x],
    6: [y, bottom - x],
    7: [right - y, bottom - x],
    8: [right - y, x],
  };
  return places[orientation] ?? [x, y];
}
