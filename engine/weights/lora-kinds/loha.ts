import { transposed } from '../../numbers.ts';
import { addProduct } from '../lora-product.ts';
import { type LoraKind, MAX_RANK, type ModuleShapes, type ModuleValues, matrix, sameShape } from './kind.ts';
import { addCore } from './tucker.ts';

/**
 * Δ = (w1_a · w1_b) ⊙ (w2_a · w2_b) (Hyeon-Woo et al. 2022, FedPara), `_a` [out, r] and `_b` [r, in · k · k]. With cores
 * t1 and t2 [r, r, k, k] each factor is Σ t[a, b, :] · `_a`[a, o] · `_b`[b, i] instead.
 */
export const loha: LoraKind = {
  name: 'LoHa',
  parts: ['hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b'],
  optional: ['hada_t1', 'hada_t2'],
  changes: 'weight',
  fits: (parts, weight) => [1, 2].every((n) => factorFits(parts, n, weight)),
  rank: (parts) => parts.shape('hada_w1_b')[0],
  async add(target, parts, { shape }, scale) {
    const [first, second] = [await factor(parts, 1, shape), await factor(parts, 2, shape)];
    for (let i = 0; i < target.length; i++) target[i]! += scale * first[i]! * second[i]!;
  },
};

function factorFits(parts: ModuleShapes, n: number, weight: readonly number[]): boolean {
  const [a, b] = [parts.shape(`hada_w${n}_a`), parts.shape(`hada_w${n}_b`)];
  if (a.length !== 2 || b.length !== 2 || Math.max(b[0]!, a[0]!) < 1 || b[0]! > MAX_RANK) return false;
  if (parts.has(`hada_t${n}`)) {
    const core = parts.shape(`hada_t${n}`);
    const isCore = core[0] === a[0] && core[1] === b[0] && a[0]! <= MAX_RANK;
    return isCore && sameShape([a[1]!, b[1]!, ...core.slice(2)], weight);
  }
  return a[1] === b[0] && b[0]! > 0 && String([a[0], b[1]]) === String(matrix(weight));
}

async function factor(parts: ModuleValues, n: number, weight: readonly number[]): Promise<Float32Array> {
  const [a, b] = [parts.get(`hada_w${n}_a`), parts.get(`hada_w${n}_b`)];
  const [rows, columns] = matrix(weight);
  const result = new Float32Array(rows * columns);
  if (parts.has(`hada_t${n}`)) {
    const core = { values: parts.get(`hada_t${n}`), shape: parts.shape(`hada_t${n}`) };
    await addCore(result, transposed(a, parts.shape(`hada_w${n}_a`)[0]!), core, b, 1);
  } else await addProduct(result, a, b, parts.shape(`hada_w${n}_b`)[0]!, 1);
  return result;
}
