/** Moving rows: between planes and rows, and between a whole level and some of its rows. */

/** Planes [B, C, positions] → the rows at `at` [B, at.length, C]. */
export function toRows(planes: Float32Array, batch: number, channels: number, at: Int32Array): Float32Array {
  const positions = planes.length / (batch * channels);
  const rows = new Float32Array(batch * at.length * channels);
  for (let b = 0; b < batch; b++)
    for (let c = 0; c < channels; c++) {
      const plane = (b * channels + c) * positions;
      for (let row = 0; row < at.length; row++)
        rows[(b * at.length + row) * channels + c] = planes[plane + at[row]!]!;
    }
  return rows;
}

/** Writes rows [B, at.length, C] over the positions `at` of planes [B, C, positions]. */
export function overPlanes(
  planes: Float32Array,
  rows: Float32Array,
  batch: number,
  channels: number,
  at: Int32Array,
): void {
  const positions = planes.length / (batch * channels);
  for (let b = 0; b < batch; b++)
    for (let c = 0; c < channels; c++) {
      const plane = (b * channels + c) * positions;
      for (let row = 0; row < at.length; row++)
        planes[plane + at[row]!] = rows[(b * at.length + row) * channels + c]!;
    }
}

/** Some rows of a whole level: [B, N, C] → [B, at.length + padding, C], the padding rows zero. */
export function takeRows(
  all: Float32Array,
  batch: number,
  channels: number,
  at: Int32Array,
  padding = 0,
): Float32Array {
  const total = all.length / (batch * channels);
  const taken = new Float32Array(batch * (at.length + padding) * channels);
  for (let b = 0; b < batch; b++)
    for (let row = 0; row < at.length; row++) {
      const from = (b * total + at[row]!) * channels;
      taken.set(all.subarray(from, from + channels), (b * (at.length + padding) + row) * channels);
    }
  return taken;
}
