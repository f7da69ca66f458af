import type { WeightProduct } from '../graph/operators.ts';
import { fromBlocks, toBlocks } from './arithmetic.ts';
import type { ProductGroup } from './layers.ts';
import type { ChannelStatistics, Statistics } from './statistics.ts';

/** Reads the matrices [K, N] of a product's weight, one for each of its layouts, unfolded. */
export type ReadMatrices = (product: WeightProduct) => Promise<Matrix[]>;

interface Matrix {
  data: Float32Array;
  columns: number;
}

/** Half of the spread moves from the activations to the weights (Xiao et al., equation 4, α = 0.5). */
const MIGRATION = 0.5;
/** Bounds on factors, so that channels near zero are not scaled out of proportion. */
const BOUNDS = { least: 1e-2, most: 1e2 };
/** Exponents tried for int4 (Lin et al., equation 5). 0 leaves the weights unchanged. */
const EXPONENTS = [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75];
/** Number of columns of a weight on which exponents are tried. */
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
 * AWQ: m = rms(x)^β with the exponent β that minimizes Σ rms(x)² · (w − w')² over some columns of the weights, where w'
 * is m · w rounded to int4 and divided by m.
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

/** Scales factors to a geometric mean of 1, so that they change only the spread, and clips them to the bounds. */
function bounded(m: Float32Array): Float32Array {
  const logs = m.map((value) => (value > 0 && Number.isFinite(value) ? Math.log(value) : 0));
  const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
  return logs.map((value) => Math.max(BOUNDS.least, Math.min(BOUNDS.most, Math.exp(value - mean))));
}
