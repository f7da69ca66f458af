import type { Network } from '../graph/network.ts';
import { isWeightProduct, type WeightProduct } from '../graph/operators.ts';
import type { Value, Weight } from '../graph/values.ts';
import type { Layout } from '../weights/quantized.ts';

/** Products that read the same value, so that its rows are quantized once for all. */
export interface ProductGroup {
  input: Value;
  products: WeightProduct[];
}

/** Layouts in which a product's weight is needed. */
export function layoutsOf(product: WeightProduct, foldUpsampling: boolean): Layout[] {
  if (product.type === 'linear') return ['linear'];
  if (product.type === 'geglu') return ['half.0', 'half.1'];
  return product.upsample && foldUpsampling ? [0, 1, 2, 3].map((q) => `corner.${q}` as const) : ['window'];
}

/** Every product of a network, grouped by its input, in the order of computation. */
export function productGroups(network: Network): ProductGroup[] {
  const groups = new Map<number, ProductGroup>();
  for (const operator of network.operators) {
    if (!isWeightProduct(operator)) continue;
    const group = groups.get(operator.input.id) ?? { input: operator.input, products: [] };
    group.products.push(operator);
    groups.set(operator.input.id, group);
  }
  return [...groups.values()];
}

/** Name of a quantized matrix in a file. */
export function matrixName(weight: Weight, layout: Layout): string {
  return `${weight.name}:${layout}`;
}

/** Name of a quantized embedding table in a file. */
export function tableName({ name }: Weight): string {
  return `${name}:table`;
}

/** Shape [K, N] of a weight in a layout. */
export function matrixShape({ shape }: Weight, layout: Layout): [rows: number, columns: number] {
  const [out, channels] = shape as [number, number];
  if (layout === 'linear') return [channels, out];
  if (layout.startsWith('half')) return [channels, out / 2];
  return [(layout === 'window' ? 9 : 4) * channels, out];
}

/**
 * The taps of an upsampling that is folded into the 3×3 convolution behind it, along one axis. For each parity of the
 * output:
 * which of the three taps read the first coarse position, and which the second, [2][3].
 */
export const COARSE_TAPS = [
  [
    [1, 0, 0],
    [0, 1, 1],
  ],
  [
    [1, 1, 0],
    [0, 0, 1],
  ],
] as const;

/** A checkpoint's weight, rearranged to a layout. */
export function matrixOf(weight: Weight, layout: Layout, data: Float32Array): Float32Array {
  const [out, channels] = weight.shape as [number, number];
  const [rows, columns] = matrixShape(weight, layout);
  const matrix = new Float32Array(rows * columns);
  if (layout === 'linear' || layout.startsWith('half')) {
    const first = layout === 'half.1' ? columns : 0;
    for (let n = 0; n < columns; n++)
      for (let c = 0; c < channels; c++) matrix[c * columns + n] = data[(first + n) * channels + c]!;
    return matrix;
  }
  const taps = layout === 'window' ? identityTaps() : cornerTaps(Number(layout.slice('corner.'.length)));
  for (const [to, sums] of taps.entries())
    for (const from of sums)
      for (let n = 0; n < out; n++)
        for (let c = 0; c < channels; c++)
          matrix[(to * channels + c) * out + n]! += data[(n * channels + c) * 9 + from]!;
  return matrix;
}

function identityTaps(): number[][] {
  return Array.from({ length: 9 }, (_, tap) => [tap]);
}

/** For each of the 2×2 taps of a parity class: the 3×3 taps that it sums. */
function cornerTaps(parity: number): number[][] {
  const [down, across] = [COARSE_TAPS[parity >> 1]!, COARSE_TAPS[parity & 1]!];
  return [0, 1].flatMap((y) =>
    [0, 1].map((x) =>
      [0, 1, 2].flatMap((ky) =>
        [0, 1, 2].filter((kx) => down[y]![ky] && across[x]![kx]).map((kx) => 3 * ky + kx),
      ),
    ),
  );
}
