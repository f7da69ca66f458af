import { addProduct } from '../lora-product.ts';
import { type LoraKind, MAX_RANK, matrix, sameShape } from './kind.ts';
import { addCore } from './tucker.ts';

/** Δ = up · down: [out, r] and [r, in, …] (Hu et al. 2021). */
export const lora: LoraKind = {
  name: 'LoRA',
  parts: ['up', 'down'],
  changes: 'weight',
  fits(parts, weight) {
    const [up, down] = [parts.shape('up'), parts.shape('down')];
    const [out, rank] = matrix(up);
    return fitsRank(rank, down[0]) && sameShape([out, ...down.slice(1)], weight);
  },
  rank: (parts) => parts.shape('down')[0],
  async add(target, parts, _, scale) {
    await addProduct(target, parts.get('up'), parts.get('down'), parts.shape('down')[0]!, scale);
  },
};

/** Δ[o, i, :] = Σ up[o, a] · mid[a, b, :] · down[b, i]: a convolution through a small core (LyCORIS' LoCon). */
export const tucker: LoraKind = {
  name: 'LoRA with a Tucker core',
  parts: ['up', 'mid', 'down'],
  changes: 'weight',
  fits(parts, weight) {
    const [up, mid, down] = [parts.shape('up'), parts.shape('mid'), parts.shape('down')];
    const [[out, above], [below, inner]] = [matrix(up), matrix(down)];
    const fits = fitsRank(above, mid[0]) && fitsRank(below, mid[1]);
    return fits && sameShape([out, inner, ...mid.slice(2)], weight);
  },
  rank: (parts) => parts.shape('down')[0],
  async add(target, parts, _, scale) {
    const core = { values: parts.get('mid'), shape: parts.shape('mid') };
    await addCore(target, parts.get('up'), core, parts.get('down'), scale);
  },
};

function fitsRank(one: number | undefined, other: number | undefined): boolean {
  return one === other && one! > 0 && one! <= MAX_RANK;
}
