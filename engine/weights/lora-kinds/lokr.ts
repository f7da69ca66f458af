import { transposed } from '../../numbers.ts';
import { addProduct } from '../lora-product.ts';
import { type LoraKind, MAX_RANK, type ModuleShapes, type ModuleValues, matrix, sameShape } from './kind.ts';
import { addCore } from './tucker.ts';

/**
 * Δ = w1 ⊗ w2, Kronecker's product: [a, c] and [b, d, …] give [a · b, c · d, …] (Yeh et al. 2023, LyCORIS). Either may
 * be a product of factors `_a` and `_b`; those of w2 may have a core t2.
 */
export const lokr: LoraKind = {
  name: 'LoKr',
  parts: [],
  optional: ['lokr_w1', 'lokr_w1_a', 'lokr_w1_b', 'lokr_w2', 'lokr_w2_a', 'lokr_w2_b', 'lokr_t2'],
  changes: 'weight',
  fits(parts, weight) {
    const [left, right] = [leftShape(parts), rightShape(parts, weight)];
    if (!left || !right) return false;
    return sameShape([left[0]! * right[0]!, left[1]! * (right[1] ?? 1), ...right.slice(2)], weight);
  },
  rank(parts) {
    if (!parts.has('lokr_w2')) return parts.shape('lokr_w2_b')[0];
    return parts.has('lokr_w1') ? undefined : parts.shape('lokr_w1_b')[0];
  },
  async add(target, parts, { shape }, scale) {
    const [left, right] = [await leftOf(parts), await rightOf(parts, shape)];
    const [above, before] = leftShape(parts)!;
    const [below = 1, after = 1] = rightShape(parts, shape)!;
    const taps = right.length / (below * after);
    const width = before! * after * taps;
    for (let a = 0; a < above!; a++)
      for (let b = 0; b < below; b++)
        for (let c = 0; c < before!; c++) {
          const factor = scale * left[a * before! + c]!;
          const from = (a * below + b) * width + c * after * taps;
          for (let d = 0; d < after * taps; d++) target[from + d]! += factor * right[b * after * taps + d]!;
        }
  },
};

/** Shape of the product of two factors [m, r] and [r, n]. */
function productShape(parts: ModuleShapes, name: string): readonly number[] | undefined {
  if (!parts.has(`${name}_a`) || !parts.has(`${name}_b`)) return undefined;
  const [a, b] = [parts.shape(`${name}_a`), parts.shape(`${name}_b`)];
  const [rank, columns] = matrix(b);
  return a[1] === rank && rank > 0 && rank <= MAX_RANK ? [a[0]!, columns] : undefined;
}

function leftShape(parts: ModuleShapes): readonly number[] | undefined {
  const shape = parts.has('lokr_w1') ? parts.shape('lokr_w1') : productShape(parts, 'lokr_w1');
  return shape?.length === 2 ? shape : undefined;
}

/** Factors without a core give a flattened kernel, whose sides are those of the weight. */
function rightShape(parts: ModuleShapes, weight: readonly number[]): readonly number[] | undefined {
  if (parts.has('lokr_w2')) return parts.shape('lokr_w2');
  if (parts.has('lokr_t2')) {
    if (!parts.has('lokr_w2_a') || !parts.has('lokr_w2_b')) return undefined;
    const [core, a, b] = ['lokr_t2', 'lokr_w2_a', 'lokr_w2_b'].map((name) => parts.shape(name));
    const fits = core![0] === a![0] && core![1] === b![0] && Math.max(a![0]!, b![0]!) <= MAX_RANK;
    return fits && a!.length === 2 && b!.length === 2 ? [a![1]!, b![1]!, ...core!.slice(2)] : undefined;
  }
  const flat = productShape(parts, 'lokr_w2');
  const kernel = weight.slice(2);
  const taps = kernel.reduce((x, y) => x * y, 1);
  return flat && flat[1]! % taps === 0 ? [flat[0]!, flat[1]! / taps, ...kernel] : undefined;
}

async function leftOf(parts: ModuleValues): Promise<Float32Array> {
  return parts.has('lokr_w1') ? parts.get('lokr_w1') : product(parts, 'lokr_w1');
}

async function rightOf(parts: ModuleValues, weight: readonly number[]): Promise<Float32Array> {
  if (parts.has('lokr_w2')) return parts.get('lokr_w2');
  if (!parts.has('lokr_t2')) return product(parts, 'lokr_w2');
  const result = new Float32Array(rightShape(parts, weight)!.reduce((a, b) => a * b, 1));
  const core = { values: parts.get('lokr_t2'), shape: parts.shape('lokr_t2') };
  const left = transposed(parts.get('lokr_w2_a'), parts.shape('lokr_w2_a')[0]!);
  await addCore(result, left, core, parts.get('lokr_w2_b'), 1);
  return result;
}

async function product(parts: ModuleValues, name: string): Promise<Float32Array> {
  const [rows, columns] = productShape(parts, name)!;
  const result = new Float32Array(rows! * columns!);
  await addProduct(result, parts.get(`${name}_a`), parts.get(`${name}_b`), parts.shape(`${name}_b`)[0]!, 1);
  return result;
}
