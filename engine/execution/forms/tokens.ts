/** Names of the additional inputs of a transformer in the form `tokens`; see `lowering/tokens.ts`. */
export const SIGNS = 'signs';
export const RECTANGLE = 'rectangle';
export const INSIDE = 'inside';
export const EXTENT = 'extent';
export const PLACES = 'places';
export const formerRowsName = (name: string) => `former.${name}`;
export const haloRowsName = (name: string) => `halo.${name}`;
/** A value that depends on the text alone, computed by a network of its own. */
export const textValueName = (id: number) => `text.${id}`;
