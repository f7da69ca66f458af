/** Names of the additional inputs and outputs; see `lowering/parts.ts`. `id` is that of a value. */
export const PART_NAMES = {
  map: (id: number) => `map.${id}`,
  strips: (id: number) =>
    ['above', 'left', 'right', 'below'].map((side) => `${side}.${id}`) as [string, string, string, string],
  cut: (id: number) => `cut.${id}`,
  kept: (id: number) => `kept.${id}`,
  pads: (id: number) => `pads.${id}`,
  sums: (path: string) => `sums.${path}`,
  keys: (path: string) => `keys.${path}`,
  former: (name: string) => `former.${name}`,
  /** The first and last corner of a rectangle. */
  corners: (name: string) => ({ from: `${name}.from`, to: `${name}.to` }),
};
