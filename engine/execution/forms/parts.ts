/** Names of the additional inputs and outputs; see `lowering/parts.ts`. `id` is that of a value. */
export const mapName = (id: number) => `map.${id}`;
export const stripNames = (id: number) =>
  ['above', 'left', 'right', 'below'].map((side) => `${side}.${id}`) as [string, string, string, string];
export const cutName = (id: number) => `cut.${id}`;
export const keptName = (id: number) => `kept.${id}`;
export const padsName = (id: number) => `pads.${id}`;
export const sumsName = (path: string) => `sums.${path}`;
export const keysName = (path: string) => `keys.${path}`;
export const formerName = (name: string) => `former.${name}`;
/** Names of the first and last corner of a rectangle. */
export const cornerNames = (name: string) => ({ from: `${name}.from`, to: `${name}.to` });
