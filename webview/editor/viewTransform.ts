import type { Area } from '../../shared/raster.ts';
import type { Point } from './mask/strokes.ts';

export interface Size {
  width: number;
  height: number;
}

/** Where a picture is in its stage: one pixel of it takes `scale` of the screen's. */
export interface ViewTransform {
  scale: number;
  /** Position of the picture's upper left corner, in pixels of the stage. */
  left: number;
  top: number;
}

export const SCALES = { min: 0.02, max: 32 };

/** Free space around a picture that fits. */
const MARGIN = 16;

/** The whole picture, in the middle; small pictures are enlarged to whole multiples. */
export function fit(picture: Size, stage: Size): ViewTransform {
  const room = Math.min(
    Math.max(1, stage.width - 2 * MARGIN) / picture.width,
    Math.max(1, stage.height - 2 * MARGIN) / picture.height,
  );
  const scale = bounded(room > 2 ? Math.floor(room) : room);
  return centred(picture, stage, scale);
}

export function centred(picture: Size, stage: Size, scale: number): ViewTransform {
  return {
    scale,
    left: (stage.width - picture.width * scale) / 2,
    top: (stage.height - picture.height * scale) / 2,
  };
}

/** Zooms around a place of the stage. */
export function zoomAt({ scale, left, top }: ViewTransform, at: Point, factor: number): ViewTransform {
  const next = bounded(scale * factor);
  const ratio = next / scale;
  return { scale: next, left: at.x - (at.x - left) * ratio, top: at.y - (at.y - top) * ratio };
}

/** Moved back so far that some of the image is visible. */
export function kept(view: ViewTransform, picture: Size, stage: Size): ViewTransform {
  const seen = 48;
  const [width, height] = [picture.width * view.scale, picture.height * view.scale];
  return {
    scale: view.scale,
    left: Math.min(stage.width - seen, Math.max(seen - width, view.left)),
    top: Math.min(stage.height - seen, Math.max(seen - height, view.top)),
  };
}

export function toPicture({ scale, left, top }: ViewTransform, { x, y }: Point): Point {
  return { x: (x - left) / scale, y: (y - top) / scale };
}

export function toStage({ scale, left, top }: ViewTransform, { x, y }: Point): Point {
  return { x: left + x * scale, y: top + y * scale };
}

/** The whole pixels of the stage that an area of the picture reaches. */
export function screenAreaOf({ scale, left, top }: ViewTransform, area: Area): Area {
  const [x, y] = [Math.floor(left + area.left * scale), Math.floor(top + area.top * scale)];
  return {
    left: x,
    top: y,
    width: Math.ceil(left + (area.left + area.width) * scale) - x,
    height: Math.ceil(top + (area.top + area.height) * scale) - y,
  };
}

function bounded(scale: number): number {
  return Math.min(SCALES.max, Math.max(SCALES.min, scale));
}
