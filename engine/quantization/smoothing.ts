import type { Network } from '../graph/network.ts';
import { inputsOf, type Operator, type WeightProduct } from '../graph/operators.ts';
import type { Weight } from '../graph/values.ts';
import type { Layout } from '../weights/quantized.ts';
import type { ProductGroup } from './layers.ts';

/**
 * Factors that move part of the size of activations into weights (SmoothQuant: Xiao et al., ICML 2023; AWQ: Lin et al.,
 * MLSys 2024): x · W = (x / m) · (m · W). The division is free, because it is folded into the operator that computes x:
 * a norm's gain and bias, the linear half of a GEGLU, the values of attention. Other inputs have no factors.
 */
export interface Smoothing {
  /** By the name of a product's weight: m [K / taps], which multiplies its rows. */
  readonly rows: ReadonlyMap<string, Float32Array>;
  /** By the name of a weight or bias: m, which divides its columns or values; for a GEGLU those of its first half. */
  readonly divided: ReadonlyMap<string, Float32Array>;
}

/** Computes the factors [K / taps] of a product group from the sizes of its activations and weights. */
export type Factors = (group: ProductGroup) => Promise<Float32Array | undefined>;

/** No factors: weights are rounded as they are. */
export const NO_SMOOTHING: Smoothing = { rows: new Map(), divided: new Map() };

/** Finds the operators that can divide each group's input, and gets their factors from `factors`. */
export async function smoothingOf(
  network: Network,
  groups: readonly ProductGroup[],
  factors: Factors,
): Promise<Smoothing> {
  const makers = new Map(network.operators.map((operator) => [operator.output.id, operator]));
  const readers = new Map<number, Operator[]>();
  for (const operator of network.operators)
    for (const value of inputsOf(operator))
      readers.set(value.id, [...(readers.get(value.id) ?? []), operator]);
  const rows = new Map<string, Float32Array>();
  const divided = new Map<string, Float32Array>();
  for (const group of groups) {
    const alone = readers
      .get(group.input.id)!
      .every((reader) => group.products.includes(reader as WeightProduct));
    const takers = alone ? dividersOf(makers.get(group.input.id), makers, readers) : undefined;
    const m = takers && (await factors(group));
    if (!m) continue;
    for (const { weight } of group.products) rows.set(weight.name, m);
    for (const { name } of takers) divided.set(name, m);
  }
  return { rows, divided };
}

/** The weights and biases that divide an operator's output if they are divided. */
function dividersOf(
  maker: Operator | undefined,
  makers: ReadonlyMap<number, Operator>,
  readers: ReadonlyMap<number, readonly Operator[]>,
): Weight[] | undefined {
  if (maker?.type === 'layer-norm') return maker.gain && maker.bias && [maker.gain, maker.bias];
  if (maker?.type === 'group-norm' && !maker.activation) return [maker.gain, maker.bias];
  if (maker?.type === 'geglu') return [maker.weight, maker.bias];
  if (maker?.type !== 'attention') return undefined;
  const values = makers.get(maker.value.id);
  // The values of cross-attention are projected in a network of their own.
  if (values?.type !== 'linear' || maker.value.kind !== 'map') return undefined;
  if (readers.get(maker.value.id)!.length !== 1) return undefined;
  return values.bias ? [values.weight, values.bias] : [values.weight];
}

/** Applies its factors to the matrix [K, N] of a weight, in place. */
export function smooth(
  matrix: Float32Array,
  columns: number,
  weight: Weight,
  layout: Layout,
  { rows, divided }: Smoothing,
): void {
  const m = rows.get(weight.name);
  const d = layout === 'half.1' ? undefined : divided.get(weight.name);
  if (!m && !d) return;
  for (let row = 0; row < matrix.length / columns; row++) {
    const times = m?.[row % m.length] ?? 1;
    for (let n = 0; n < columns; n++) matrix[row * columns + n]! *= times / (d?.[n] ?? 1);
  }
}

/** Applies its factors to a weight in the layout of its checkpoint, [out, in, …] or [out], in place. */
export function smoothWeight(values: Float32Array, weight: Weight, { rows, divided }: Smoothing): void {
  const m = rows.get(weight.name);
  const d = divided.get(weight.name);
  if (!m && !d) return;
  const [out, channels = 1] = weight.shape as [number, number?];
  const taps = values.length / (out * channels);
  for (let i = 0; i < values.length; i++) {
    const n = Math.floor(i / (channels * taps));
    // Only the first half of a GEGLU is divided.
    values[i]! *= (m?.[Math.floor(i / taps) % channels] ?? 1) / (d?.[n] ?? 1);
  }
}
