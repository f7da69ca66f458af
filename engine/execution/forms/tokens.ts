/** Names of the additional inputs of a transformer in the form `tokens`; see `lowering/tokens.ts`. */
export const SIGNS = 'signs';
export const RECTANGLE = 'rectangle';
export const INSIDE = 'inside';
export const EXTENT = 'extent';
export const PLACES = 'places';
export const formerRowsName = (name: string) => `former.${name}`;
export const haloRowsName = (name: string) => `halo.${name}`;
/** Which recorded rows are read, of all of a map: inputs of a form whose features stay on a device. */
export const FORMER = 'former';
export const HALO = 'halo';
export const othersName = ({ level, levels = 1 }: { level: number; levels?: number | undefined }) =>
  `others.${level}.${levels}`;
/** 1 if a pass computes everything: then the means and deviations of channels are its own, else those of the record. */
export const FRESH_RANGES = 'ranges.fresh';
/** Where each row of a map is, among the recorded rows and then the fresh ones. */
export const tokenPlaceName = ({ level, levels = 1 }: { level: number; levels?: number | undefined }) =>
  `place.${level}.${levels}`;
/** Where the rows of a coarser level are found among the finest ones, and the reverse. */
export const childrenName = (level: number) => `children.${level}`;
export const parentsName = (level: number) => `parents.${level}`;
/** Rows of a part to which text and a map's positions are dealt: see `dealt-rows.ts`. */
export function dealtName(
  {
    level,
    levels = 1,
    parts,
    run,
  }: { level: number; levels?: number | undefined; parts: number; run: number },
  what: string,
): string {
  return `dealt.${level}.${levels}.${parts}.${run}.${what}`;
}
/** A value that depends on the text alone, computed by a network of its own. */
export const textValueName = (id: number) => `text.${id}`;
