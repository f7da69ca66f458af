/**
 * Where a picture is in the square that a segmenter sees: at the top left, its longer side as long as the square's.
 */

/** Width and height of a picture whose longer side is brought to `side`, rounded as Segment Anything does. */
export function fitted(
  picture: { width: number; height: number },
  side: number,
): { width: number; height: number } {
  const scale = side / Math.max(picture.width, picture.height);
  const round = (length: number) => Math.max(1, Math.floor(length * scale + 0.5));
  return { width: round(picture.width), height: round(picture.height) };
}

/** Pixels of the picture → pixels of a square frame. The decoder handles half pixels. */
export function toFrame(
  { x, y }: { x: number; y: number },
  picture: { width: number; height: number },
  frame: number,
): [x: number, y: number] {
  const { width, height } = fitted(picture, frame);
  return [(x * width) / picture.width, (y * height) / picture.height];
}

/** The part of a decoder's mask that has the picture. */
export function innerPart(
  side: number,
  frame: number,
  picture: { width: number; height: number },
): { width: number; height: number } {
  const { width, height } = fitted(picture, frame);
  const scale = side / frame;
  return { width: Math.ceil(width * scale), height: Math.ceil(height * scale) };
}
