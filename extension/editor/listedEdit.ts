import type { Extension } from '../../shared/editorProtocol.ts';
import type { Area } from '../../shared/raster.ts';
import type { Packed } from './packed.ts';

/** Pixels that differ between the two take the values of `to`, after the canvas has grown by `extension`. */
export interface PaintContent {
  kind: 'paint';
  from: Packed;
  to: Packed;
  extension?: Extension;
}

/**
 * What one edit does to the pixels, whatever is below it. Places are those of the file's pixels, also beyond its edges.
 */
export type EditContent =
  | PaintContent
  /** Pixels are restored from the file by a coverage of 0 … 255. */
  | { kind: 'restore'; coverage: Packed }
  /** The canvas ends at the edges of an area. */
  | { kind: 'crop'; area: Area };

/** A result of an edit's form, one for each seed that was tried. */
export interface Variation<About = unknown> {
  readonly id: string;
  readonly content: PaintContent;
  /** Details for the user. */
  readonly about?: About;
}

/** An edit of the pixels, as the list of edits has it. Never changed: a step puts another in its place. */
export interface ListedEdit<About = unknown> {
  readonly id: string;
  readonly label: string;
  readonly content: EditContent;
  /** Which of its variations this is; absent if it has no others. */
  readonly variation?: string;
  /** The variations that were not picked, each of which can take its place. */
  readonly others?: readonly Variation<About>[];
  /** Part of the picture as it is now. */
  readonly shown: boolean;
  /** How much of it is seen over what is below it, 0 … 1; absent: all. */
  readonly opacity?: number;
  /** The mask, the objects in it and the colours that it was painted with, at their place in the file's pixels. */
  readonly mask?: Packed;
  readonly objects?: Packed;
  readonly colours?: Packed;
  /** Details for the user. */
  readonly about?: About;
}

/** Whether an edit was painted with a mask or colours, which can be brought back. */
export function isReselectable({ mask, colours }: ListedEdit): boolean {
  return mask !== undefined || colours !== undefined;
}

/** How much of an edit is seen, 0 … 1. */
export function opacityOf({ opacity = 1 }: ListedEdit): number {
  return opacity;
}

/** The area that an edit may change; of a crop, what stays. */
export function areaOf(content: EditContent): Area {
  if (content.kind === 'crop') return content.area;
  return content.kind === 'paint' ? content.to : content.coverage;
}
