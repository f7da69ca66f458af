/** By how much the canvas can be extended or cropped at its sides. */
import type { Crop, Extension } from '../../shared/editorProtocol.ts';
import { LIMITS } from '../../shared/limits.ts';
import type { Area } from '../../shared/raster.ts';
import type { Size } from './viewTransform.ts';

/** Pixels of the image that the edges of an extension move by: the engine works in such steps. */
export const EXTENSION_STEP = LIMITS.size.multipleOf;

export const SIDES = ['left', 'top', 'right', 'bottom'] as const;
export type Side = (typeof SIDES)[number];

const ACROSS = {
  left: { cross: 'width', opposite: 'right' },
  top: { cross: 'height', opposite: 'bottom' },
  right: { cross: 'width', opposite: 'left' },
  bottom: { cross: 'height', opposite: 'top' },
} as const;

/** As much as a canvas of a size can be extended at a side, in whole steps. */
export function mostExtension(size: Size, extension: Extension, side: Side): number {
  const { cross, opposite } = ACROSS[side];
  const room = LIMITS.size.max - size[cross] - extension[opposite];
  return Math.max(0, Math.floor(Math.min(room, LIMITS.extension.max) / EXTENSION_STEP) * EXTENSION_STEP);
}

/** As much as can be cut off at a side, so that a pixel is left. */
export function mostCrop(size: Size, crop: Crop, side: Side): number {
  const { cross, opposite } = ACROSS[side];
  return Math.max(0, size[cross] - crop[opposite] - 1);
}

/** Why a canvas of a size cannot be extended so; undefined if it can. */
export function extensionHindrance(size: Size, extension: Extension): string | undefined {
  const { left, top, right, bottom } = extension;
  const [width, height] = [size.width + left + right, size.height + top + bottom];
  const { max } = LIMITS.size;
  if (size.width >= max && size.height >= max)
    return `An image of ${size.width} × ${size.height} pixels cannot be extended: at most ${max} × ${max} are possible.`;
  if (width > max || height > max)
    return `The extended image would have ${width} × ${height} pixels; at most ${max} × ${max} are possible.`;
  if (left + top + right + bottom === 0) return 'Drag an edge of the image outwards first.';
  return undefined;
}

export function leavesPixels(size: Size, { left, top, right, bottom }: Crop): boolean {
  return left + right < size.width && top + bottom < size.height;
}

/** Why a canvas of a size cannot be cropped so; undefined if it can. */
export function cropHindrance(size: Size, crop: Crop): string | undefined {
  const { left, top, right, bottom } = crop;
  if (!leavesPixels(size, crop)) return 'Nothing of the image would be left.';
  if (left + top + right + bottom === 0) return 'Drag an edge of the image inwards first.';
  return undefined;
}

/** What cuts off all around an area. */
export function cropTo({ left, top, width, height }: Area, size: Size): Crop {
  return { left, top, right: size.width - left - width, bottom: size.height - top - height };
}
