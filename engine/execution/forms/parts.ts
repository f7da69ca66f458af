/** Names of tensors beside the network's own; see `lowering/parts.ts`. `id` is a value's. */
export const mapName = (id: number) => `map.${id}`;
export const stripNames = (id: number) =>
  ['above', 'left', 'right', 'below'].map((side) => `${side}.${id}`) as [string, string, string, string];
export const cutName = (id: number) => `cut.${id}`;
export const keptName = (id: number) => `kept.${id}`;
export const padsName = (id: number) => `pads.${id}`;
export const sumsName = (path: string) => `sums.${path}`;
export const keysName = (path: string) => `keys.${path}`;
export const formerName = (name: string) => `former.${name}`;
/** Rows and columns from which, and up to which, a rectangle is taken. */
export const cornerNames = (name: string) => ({ from: `${name}.from`, to: `${name}.to` });
