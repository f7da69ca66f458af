/** Names of the additional inputs; see `lowering/crops.ts`. */
export const FRESH = 'fresh';
export const trimNames = (id: number) => ({ from: `trim.${id}.from`, to: `trim.${id}.to` });
export const rowsName = (path: string) => `rows.${path}`;
