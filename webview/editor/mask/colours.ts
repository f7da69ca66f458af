/** A colour, 0 … 255 for each channel. */
export type Colour = readonly [red: number, green: number, blue: number];

/** Lays a colour over the pixel at a place, RGBA, by an opacity of 0 … 1 (source-over of Porter and Duff, 1984). */
export function putOver(
  pixels: Uint8Array | Uint8ClampedArray,
  at: number,
  colour: Colour,
  opacity: number,
): void {
  const below = (pixels[at + 3]! / 255) * (1 - opacity);
  const sum = opacity + below;
  for (let channel = 0; channel < 3; channel++)
    pixels[at + channel] = Math.round((colour[channel]! * opacity + pixels[at + channel]! * below) / sum);
  pixels[at + 3] = Math.round(255 * sum);
}

/** Lays a colour over pixels, RGBA, by a coverage of 0 … 255. */
export function layOver(pixels: Uint8Array, coverage: Uint8Array, colour: Colour): void {
  for (const [i, covered] of coverage.entries())
    if (covered > 0) putOver(pixels, 4 * i, colour, covered / 255);
}

/** Takes colours away by a coverage of 0 … 255; what is transparent then is all 0. */
export function wipe(pixels: Uint8Array, coverage: Uint8Array): void {
  for (const [i, covered] of coverage.entries()) {
    if (covered === 0) continue;
    const at = 4 * i;
    pixels[at + 3] = Math.min(pixels[at + 3]!, 255 - covered);
    if (pixels[at + 3] === 0) pixels.fill(0, at, at + 3);
  }
}

/** `#rrggbb` → colour; black if it is none. */
export function colourOf(text: string): Colour {
  const [, red = '0', green = '0', blue = '0'] =
    /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text) ?? [];
  return [red, green, blue].map((hex) => Number.parseInt(hex, 16)) as unknown as Colour;
}

export function textOf(colour: Colour): string {
  return `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
