/** Pictures of the renderer with its exact masks; test/fixtures/scenes/make.py draws them. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import type { Mask } from '../../engine/regions/mask.ts';

const FOLDER = path.join(import.meta.dirname, '../fixtures/scenes');

export const RENDERED = ['cat', 'tent'] as const;

export interface RenderedShape {
  /** Kind of an object; parts have none. */
  kind?: string;
  colour?: string;
  part?: string;
  mask: Mask;
  /** The pixel farthest from the mask's edge. */
  middle: { x: number; y: number };
}

/** A picture's file, and every shape in it. */
export async function rendered(
  name: (typeof RENDERED)[number],
): Promise<{ file: string; shapes: RenderedShape[] }> {
  const listed = JSON.parse(await readFile(path.join(FOLDER, 'scenes.json'), 'utf8'))[name] as object[];
  const { data, info } = await sharp(path.join(FOLDER, `${name}.labels.png`))
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const shapes = listed.map((shape, index) => {
    const mask = { width, height, data: Uint8Array.from(data, (label) => (label === index ? 1 : 0)) };
    return { ...shape, mask, middle: middleOf(mask) };
  });
  return { file: path.join(FOLDER, `${name}.png`), shapes };
}

export function objectsIn(shapes: readonly RenderedShape[]): RenderedShape[] {
  return shapes.filter(({ kind }) => kind !== undefined);
}

/** By steps along rows and columns to the nearest pixel outside. */
function middleOf({ width, height, data }: Mask): { x: number; y: number } {
  const distance = Float64Array.from(data, (inside) => (inside ? Number.POSITIVE_INFINITY : 0));
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : distance[y * width + x]!;
  const pass = (i: number, side: -1 | 1) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    distance[i] = Math.min(distance[i]!, at(x + side, y) + 1, at(x, y + side) + 1);
  };
  for (let i = 0; i < distance.length; i++) pass(i, -1);
  for (let i = distance.length - 1; i >= 0; i--) pass(i, 1);
  const farthest = distance.indexOf(Math.max(...distance));
  return { x: farthest % width, y: Math.floor(farthest / width) };
}
