import type { Grid } from '../execution/transformer/token-plan.ts';
import { float32, floats, type Tensor } from '../graph/tensor.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import type { Comparison, Reference } from './reference.ts';

/**
 * References of FLUX.2 have latents as rows [B, n, C], in the order of y, then x, with the place (time, y, x, token) of
 * each row beside them; those of other models have planes [B, C, h, w].
 */

/** @param places name of the rows' places, where the latents are rows; those of the image are at time 0 */
export async function planesOf(
  from: Reference,
  name: string,
  places: string,
): Promise<Tensor & { type: 'float32' }> {
  const tensor = await from.tensor(name);
  if (tensor.dims.length === 4) return tensor;
  const [{ height, width }] = (await gridsOf(from, places)) as [Grid];
  return planesFrom(tensor, height, width);
}

/** Rows [B, n, C] as planes [B, C, h, w]. */
function planesFrom({ data, dims }: Tensor & { type: 'float32' }, height: number, width: number) {
  const [batch, count, channels] = dims as [number, number, number];
  const planes = new Float32Array(data.length);
  overPlanes(planes, data, batch, channels, everyRow(count));
  return float32(planes, [batch, channels, height, width]);
}

/** Compares planes [B, C, h, w] with a reference in either layout. */
export function comparePlanes(
  to: Reference,
  name: string,
  planes: Tensor,
  limit?: number,
): Promise<Comparison> {
  const values = floats({ planes }, 'planes');
  const [batch, channels] = planes.dims as [number, number];
  if (to.shape(name).length === 4) return to.compare(name, values, limit);
  const rows = toRows(values, batch, channels, everyRow(values.length / (batch * channels)));
  return to.compare(name, rows, limit);
}

/** The rows [B, n, C] of reference images, and their sizes. */
export interface RowsOfReference {
  rows: Float32Array;
  grids: Grid[];
}

/** @param places of the image's rows and, behind them, of the references' */
export async function referenceOf(from: Reference, name: string, places: string): Promise<RowsOfReference> {
  const [, ...grids] = await gridsOf(from, places);
  return { rows: await from.floats(name), grids };
}

/** Rows [B, n, C] of the image, followed by others [B, m, C]. */
export function joinRows(own: Float32Array, others: Float32Array, batch: number): Float32Array {
  const [first, second] = [own.length / batch, others.length / batch];
  const all = new Float32Array(own.length + others.length);
  for (let b = 0; b < batch; b++) {
    all.set(own.subarray(b * first, (b + 1) * first), b * (first + second));
    all.set(others.subarray(b * second, (b + 1) * second), b * (first + second) + first);
  }
  return all;
}

/** Sizes of the images whose rows' places [n, 4] are given, in the order of time. */
async function gridsOf(from: Reference, places: string): Promise<Grid[]> {
  const values = Array.from(await from.integers(places), Number);
  const grids = new Map<number, Grid>();
  for (let i = 0; i < values.length; i += 4) {
    const [time, y, x] = values.slice(i, i + 3) as [number, number, number];
    const { height = 0, width = 0 } = grids.get(time) ?? {};
    grids.set(time, { height: Math.max(height, y + 1), width: Math.max(width, x + 1) });
  }
  return [...grids].sort(([a], [b]) => a - b).map(([, grid]) => grid);
}

function everyRow(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => row);
}
