/** Names of the additional inputs; see `lowering/crops.ts`. */
export const FRESH = 'fresh';
export const trimNames = (weight: string) => ({ from: `trim.${weight}.from`, to: `trim.${weight}.to` });
export const rowsName = (path: string) => `rows.${path}`;
