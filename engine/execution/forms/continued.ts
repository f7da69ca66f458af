/** Names of the additional inputs of a language model in the form `continued`; see `lowering/continued.ts`. */
export const PAST = 'past';
export const keysName = (path: string) => `keys.${path}`;
export const valuesName = (path: string) => `values.${path}`;
