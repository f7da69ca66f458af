import { transposed } from '../../numbers.ts';
import { addProduct } from '../lora-product.ts';
import { sizeOf } from './kind.ts';

/**
 * target[o, i, :] += scale · Σ left[o, a] · core[a, b, :] · right[b, i], for left [out, A], core [A, B, k, k] and
 * right [B, in]. First the core and the right side, which are small.
 */
export async function addCore(
  target: Float32Array,
  left: Float32Array,
  core: { values: Float32Array; shape: readonly number[] },
  right: Float32Array,
  scale: number,
): Promise<void> {
  const [above = 1, below = 1, ...kernel] = core.shape;
  const taps = sizeOf(kernel);
  const inner = right.length / below;
  const across = transposed(right, below);
  const narrow = new Float32Array(above * inner * taps);
  for (let a = 0; a < above; a++) {
    const slice = core.values.subarray(a * below * taps, (a + 1) * below * taps);
    await addProduct(narrow.subarray(a * inner * taps, (a + 1) * inner * taps), across, slice, below, 1);
  }
  await addProduct(target, left, narrow, above, scale);
}
