/** Noise levels of ten steps and the end: Sabour et al. 2024, Align Your Steps (arXiv:2404.14507), table 3. */
const STABLE_DIFFUSION = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029];
const XL = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.38, 0.234, 0.113, 0.029];

/**
 * `steps` levels of Align Your Steps. For other numbers of steps than ten the table is interpolated, linear in log σ over
 * the share of the steps, as in its authors' instructions and in ComfyUI. The table's last level, where the process ends,
 * is left out: the sampler goes to 0 in its place.
 */
export function alignedSigmas(steps: number, isXl: boolean): number[] {
  const table = isXl ? XL : STABLE_DIFFUSION;
  return Array.from({ length: steps }, (_, i) => {
    const position = (i / steps) * (table.length - 1);
    const low = Math.floor(position);
    const [from, to] = [Math.log(table[low]!), Math.log(table[low + 1]!)];
    return Math.exp(from + (to - from) * (position - low));
  });
}
