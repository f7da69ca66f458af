/** Names of the additional inputs and outputs; see `lowering/parts.ts`. `id` is that of a value. */
export const PART_NAMES = {
  map: (id: number) => `map.${id}`,
  strips: (id: number) =>
    ['above', 'left', 'right', 'below'].map((side) => `${side}.${id}`) as [string, string, string, string],
  /** Where `name` is recorded, what surrounds the part in all of it. */
  around: (name: string) =>
    ['above', 'left', 'right', 'below'].map((side) => `${side}.of.${name}`) as [
      string,
      string,
      string,
      string,
    ],
  /** Height and width of all, and of the part. */
  extents: (name: string) => ({ all: `all.${name}`, part: `part.${name}` }),
  cut: (id: number) => `cut.${id}`,
  kept: (id: number) => `kept.${id}`,
  pads: (id: number) => `pads.${id}`,
  sums: (path: string) => `sums.${path}`,
  keys: (path: string) => `keys.${path}`,
  former: (name: string) => `former.${name}`,
  /** The first and last corner of a rectangle. */
  corners: (name: string) => ({ from: `${name}.from`, to: `${name}.to` }),
};
