interface Size {
  readonly width: number;
  readonly height: number;
}

/** Planes [C, height, width] enlarged along each side, by Catmull and Rom's cubic. */
export function enlarged(planes: Float32Array, { width, height }: Size, zoom: number): Float32Array {
  if (zoom === 1) return planes;
  const channels = planes.length / (width * height);
  // Along the last axis, then along the one before, each time turning the planes.
  const across = stretched(planes, channels * height, width, zoom);
  const turned = turnedPlanes(across, channels, height, width * zoom);
  const down = stretched(turned, channels * width * zoom, height, zoom);
  return turnedPlanes(down, channels, width * zoom, height * zoom);
}

/** The mean of each zoom × zoom block: planes [C, height · zoom, width · zoom] → [C, height, width]. */
export function shrunk(planes: Float32Array, { width, height }: Size, zoom: number): Float32Array {
  if (zoom === 1) return planes;
  const channels = planes.length / (width * height * zoom ** 2);
  const small = new Float32Array(channels * width * height);
  for (let row = 0, i = 0; row < channels * height * zoom; row++) {
    const at = Math.floor(row / zoom) * width;
    for (let x = 0; x < width * zoom; x++) small[at + Math.floor(x / zoom)]! += planes[i++]! / zoom ** 2;
  }
  return small;
}

/** Lines [lines, length] → [lines, length · zoom]; the first and last values are repeated beyond the ends. */
function stretched(lines: Float32Array, count: number, length: number, zoom: number): Float32Array {
  const result = new Float32Array(count * length * zoom);
  const phases = Array.from({ length: zoom }, (_, phase) => tapsOf((phase + 0.5) / zoom - 0.5));
  for (let line = 0; line < count; line++) {
    const valueAt = (x: number) => lines[line * length + Math.max(0, Math.min(length - 1, x))]!;
    for (let x = 0; x < length; x++)
      for (const [phase, { first, weights }] of phases.entries()) {
        let sum = 0;
        for (let tap = 0; tap < 4; tap++) sum += weights[tap]! * valueAt(x + first + tap);
        result[(line * length + x) * zoom + phase] = sum;
      }
  }
  return result;
}

/** The four values that make the one at `offset` from a value: the first of them, relative to it, and their weights. */
function tapsOf(offset: number): { first: number; weights: readonly number[] } {
  const floor = Math.floor(offset);
  const t = offset - floor;
  const weights = [
    -0.5 * t + t ** 2 - 0.5 * t ** 3,
    1 - 2.5 * t ** 2 + 1.5 * t ** 3,
    0.5 * t + 2 * t ** 2 - 1.5 * t ** 3,
    -0.5 * t ** 2 + 0.5 * t ** 3,
  ];
  return { first: floor - 1, weights };
}

/** [C, rows, columns] → [C, columns, rows]. */
function turnedPlanes(planes: Float32Array, channels: number, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(planes.length);
  for (let c = 0, i = 0; c < channels; c++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) turned[(c * columns + x) * rows + y] = planes[i++]!;
  return turned;
}
