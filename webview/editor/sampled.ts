import type { Area, Raster } from '../../shared/raster.ts';
import type { ViewTransform } from './viewTransform.ts';

/** A picture's values in the middle of the screen's pixels, 0 beside it: [height, width, channels]. */
export function sampled(
  { width: across, height: down, channels, data }: Raster,
  { left, top, width, height }: Area,
  { scale, left: viewLeft, top: viewTop }: ViewTransform,
): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(width * height * channels);
  const columns = Int32Array.from({ length: width }, (_, x) =>
    Math.floor((left + x + 0.5 - viewLeft) / scale),
  );
  for (let y = 0; y < height; y++) {
    const row = Math.floor((top + y + 0.5 - viewTop) / scale);
    if (row < 0 || row >= down) continue;
    for (let x = 0; x < width; x++) {
      const column = columns[x]!;
      if (column < 0 || column >= across) continue;
      const from = channels * (row * across + column);
      const to = channels * (y * width + x);
      for (let channel = 0; channel < channels; channel++) values[to + channel] = data[from + channel]!;
    }
  }
  return values;
}
