import { fromBlocks, toBlocks } from './arithmetic.ts';
import type { Product, ProductGroup } from './layers.ts';
import type { ChannelStatistics, Statistics } from './statistics.ts';

/** The matrices of a product's weight in its layouts, unfolded, one under the other's side: [K, N] each. */
export type ReadMatrices = (product: Product) => Promise<Matrix[]>;

export interface Matrix {
  data: Float32Array;
  columns: number;
}

/** Half of the spread goes from the activations into the weights (Xiao et al., equation 4, α = 0.5). */
const MIGRATION = 0.5;
/** Factors beyond these would bring numbers near zero out of proportion. */
const BOUNDS = { least: 1e-2, most: 1e2 };
/** Exponents that are tried for int4 (Lin et al., equation 5): 0 leaves the weights as they are. */
const EXPONENTS = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75];
/** Columns of a weight on which they are tried. */
const TRIED_COLUMNS = 64;

/** SmoothQuant: m = max|x|^α / max|w|^(1 − α), channel by channel. */
export async function int8Factors(
  group: ProductGroup,
  statistics: Statistics,
  read: ReadMatrices,
): Promise<Float32Array | undefined> {
  const seen = seenBy(group, statistics);
  if (!seen) return undefined;
  const largest = new Float32Array(seen.largest.length);
  for (const product of group.products)
    for (const { data, columns } of await read(product))
      for (let i = 0; i < data.length; i++) {
        const c = Math.floor(i / columns) % largest.length;
        const size = Math.abs(data[i]!);
        if (size > largest[c]!) largest[c] = size;
      }
  return bounded(seen.largest.map((x, c) => x ** MIGRATION / largest[c]! ** (1 - MIGRATION)));
}

/**
 * AWQ: m = rms(x)^β, with the exponent β that gives the smallest error Σ rms(x)² · (w − w')² over some columns of the
 * weights, w' being what int4 makes of m · w, divided by m again.
 */
export async function int4Factors(
  group: ProductGroup,
  statistics: Statistics,
  read: ReadMatrices,
): Promise<Float32Array | undefined> {
  const seen = seenBy(group, statistics);
  if (!seen) return undefined;
  const samples: Matrix[] = [];
  for (const product of group.products) samples.push(...(await read(product)).map(someColumns));
  let best: { error: number; m: Float32Array } | undefined;
  for (const exponent of EXPONENTS) {
    const m = bounded(seen.square.map((square) => Math.sqrt(square) ** exponent));
    const error = samples.reduce((sum, sample) => sum + int4Error(sample, m, seen.square), 0);
    if (!best || error < best.error) best = { error, m };
  }
  return best?.m;
}

function someColumns({ data, columns }: Matrix): Matrix {
  const rows = data.length / columns;
  const kept = Math.min(columns, TRIED_COLUMNS);
  const some = new Float32Array(rows * kept);
  for (let row = 0; row < rows; row++)
    for (let n = 0; n < kept; n++)
      some[row * kept + n] = data[row * columns + Math.floor((n * columns) / kept)]!;
  return { data: some, columns: kept };
}

function int4Error({ data, columns }: Matrix, m: Float32Array, square: Float32Array): number {
  const channel = (i: number) => Math.floor(i / columns) % m.length;
  const scaled = data.map((value, i) => value * m[channel(i)]!);
  const rounded = fromBlocks(toBlocks(scaled, columns, 4), data.length / columns, columns);
  let error = 0;
  for (let i = 0; i < data.length; i++)
    error += square[channel(i)]! * (data[i]! - rounded[i]! / m[channel(i)]!) ** 2;
  return error;
}

function seenBy({ products }: ProductGroup, statistics: Statistics): ChannelStatistics | undefined {
  return statistics.get(products[0]!.weight.name);
}

/** Around a geometric mean of 1, so that factors move nothing but the spread, and within bounds. */
function bounded(m: Float32Array): Float32Array {
  const logs = m.map((value) => (value > 0 && Number.isFinite(value) ? Math.log(value) : 0));
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  return logs.map((value) => Math.max(BOUNDS.least, Math.min(BOUNDS.most, Math.exp(value - mean))));
}
