import { listen } from '../../execution/denoise.ts';
import { boundsOf } from '../../regions/box.ts';
import { activeCount, type Mask } from '../../regions/mask.ts';
import { fitted, innerPart, toFrame } from './frame.ts';
import { overlapOf } from './masks.ts';
import { promptFor } from './prompt.ts';
import type { ImageEmbedding, ScoredLogits, Segmenter } from './segmenter.ts';

interface SearchOptions {
  /** Points along the longer side. */
  grid: number;
  onProgress?: (progress: { tried: number; points: number; objects: number }) => void;
  signal?: AbortSignal;
}

/** A found object; `mask` is at the decoder's own size. */
interface Found extends ScoredLogits {
  mask: Mask;
}

/** Smallest score of a mask that counts as an object. */
const LEAST_SCORE = 0.7;
/** How much a mask may change when the threshold of its logits moves by one to both sides. */
const LEAST_STABILITY = 0.8;
/** Masks that share more are the same object. */
const MOST_OVERLAP = 0.7;
/** Fewest positions of the decoder's mask that an object has. */
const LEAST_POSITIONS = 12;

/**
 * Objects in a picture, found by asking about a grid of points, as Segment Anything's automatic masks are: a point inside
 * an object that was found before is not tried again. From left to right.
 */
export async function searchObjects(
  segmenter: Segmenter,
  embedding: ImageEmbedding,
  picture: { width: number; height: number },
  { grid, onProgress, signal }: SearchOptions,
): Promise<{ found: ScoredLogits[]; macs: number }> {
  const points = gridPoints(picture, grid);
  const found: Found[] = [];
  let macs = 0;
  for (const [tried, point] of points.entries()) {
    await listen(signal);
    if (!found.some(({ mask }) => covers(mask, point, picture, segmenter.frame))) {
      const prompt = promptFor({ points: [point] }, picture, segmenter.frame);
      const { candidates, side, macs: spent } = await segmenter.decode(embedding, prompt);
      macs += spent;
      const inner = innerPart(side, segmenter.frame, picture);
      for (const candidate of candidates) consider(found, candidate, side, inner);
    }
    onProgress?.({ tried: tried + 1, points: points.length, objects: found.length });
  }
  const middle = ({ mask }: Found) => {
    const { x } = boundsOf(mask)!;
    return x.from + x.to;
  };
  return { found: found.sort((a, b) => middle(a) - middle(b)), macs };
}

/** Keeps a good mask, unless there is a better one of the same object. */
function consider(found: Found[], candidate: ScoredLogits, side: number, inner: Size): void {
  if (candidate.score < LEAST_SCORE) return;
  const mask = cut(candidate.logits, side, inner, 0);
  if (activeCount(mask) < LEAST_POSITIONS) return;
  if (
    overlapOf(cut(candidate.logits, side, inner, 1), cut(candidate.logits, side, inner, -1)) < LEAST_STABILITY
  )
    return;
  const same = found.filter((other) => overlapOf(other.mask, mask) > MOST_OVERLAP);
  if (same.some(({ score }) => score >= candidate.score)) return;
  for (const other of same) found.splice(found.indexOf(other), 1);
  found.push({ ...candidate, mask });
}

interface Size {
  width: number;
  height: number;
}

function cut(logits: Float32Array, side: number, { width, height }: Size, threshold: number): Mask {
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (logits[y * side + x]! > threshold) data[y * width + x] = 1;
  return { width, height, data };
}

function covers(mask: Mask, point: { x: number; y: number }, picture: Size, frame: number): boolean {
  const { width, height } = fitted(picture, frame);
  const [x, y] = toFrame(point, picture, frame);
  const column = Math.min(mask.width - 1, Math.floor((x * mask.width) / width));
  const row = Math.min(mask.height - 1, Math.floor((y * mask.height) / height));
  return mask.data[row * mask.width + column] === 1;
}

/** Points in the middle of equal cells, row by row. */
function gridPoints({ width, height }: Size, grid: number): { x: number; y: number }[] {
  const cell = Math.max(width, height) / grid;
  const [columns, rows] = [width, height].map((side) => Math.max(1, Math.round(side / cell)));
  return Array.from({ length: columns! * rows! }, (_, i) => ({
    x: Math.min(width - 1, Math.floor((((i % columns!) + 0.5) * width) / columns!)),
    y: Math.min(height - 1, Math.floor(((Math.floor(i / columns!) + 0.5) * height) / rows!)),
  }));
}
