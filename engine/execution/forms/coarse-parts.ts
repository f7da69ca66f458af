/** Names of the additional inputs and outputs; see `lowering/coarse-parts.ts`. `id` is that of an anchor. */
export const COARSE_NAMES = {
  /** Rows of an anchor, with `.scale` and `.zero`: value = (byte − zero) · scale. */
  rows: (id: number) => `rows.${id}`,
  scale: (id: number) => `rows.${id}.scale`,
  zero: (id: number) => `rows.${id}.zero`,
  place: (id: number) => `place.${id}`,
  extent: (id: number) => `extent.${id}`,
  from: (id: number) => `from.${id}`,
  to: (id: number) => `to.${id}`,
  /** Of what is kept of a window. */
  kept: (id: number) => `kept.${id}`,
  inFrom: (id: number) => `kept.${id}.from`,
  inTo: (id: number) => `kept.${id}.to`,
  part: (level: number) => `part.${level}`,
  sums: (path: string) => `sums.${path}`,
};
