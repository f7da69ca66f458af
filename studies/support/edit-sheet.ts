/** The contact sheet of edits: before with the mask's edge, sparse, dense. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { decodeMask } from '../../engine/pictures/mask.ts';
import { decodePicture } from '../../engine/pictures/read.ts';
import { dilate } from '../../engine/regions/mask.ts';
import { allowSvg } from './svg.ts';

const COUNT = 48;
const COLUMNS = 4;
const TILE = 128;
const CAPTION = 18;
const GAP = 8;
/** Pixels of the line around the mask, and its colour. */
const LINE = { width: 2, colour: [255, 0, 255] } as const;

interface Shown {
  file: string;
  before: string;
  mask: string;
  prompt: string;
}

/** @param likeness of sparse and dense inside the mask, in dB, for the captions */
export async function drawEditSheet(
  target: string,
  folder: string,
  cases: readonly Shown[],
  likeness: readonly number[],
): Promise<void> {
  allowSvg();
  const count = Math.min(COUNT, cases.length);
  const chosen = Array.from({ length: count }, (_, i) =>
    Math.round((i * (cases.length - 1)) / Math.max(1, count - 1)),
  );
  const [across, down] = [3 * TILE + 2 * GAP, TILE + CAPTION + GAP];
  const tiles = await Promise.all(
    chosen.map(async (at, i) => {
      const [left, top] = [(i % COLUMNS) * (across + 2 * GAP), Math.floor(i / COLUMNS) * down];
      const { file, prompt } = cases[at]!;
      const pictures = [
        await outlined(folder, cases[at]!),
        ...(await Promise.all(['sparse', 'dense'].map((mode) => readFile(path.join(folder, mode, file))))),
      ];
      const shown = pictures.map(async (input, column) => ({
        input: await sharp(input).resize(TILE, TILE).png().toBuffer(),
        left: left + column * (TILE + GAP),
        top,
      }));
      const caption = captionOf(`${prompt}, ${likeness[at]!.toFixed(0)} dB`, across);
      return [...(await Promise.all(shown)), { input: caption, left, top: top + TILE }];
    }),
  );
  const width = COLUMNS * (across + 2 * GAP) - 2 * GAP;
  const height = Math.ceil(count / COLUMNS) * down - GAP;
  await sharp({ create: { width, height, channels: 3, background: 'white' } })
    .composite(tiles.flat())
    .jpeg({ quality: 82 })
    .toFile(target);
}

async function outlined(folder: string, { before, mask }: Shown): Promise<Buffer> {
  const [image, painted] = await Promise.all([before, mask].map((name) => readFile(path.join(folder, name))));
  const picture = await decodePicture(image!, before);
  const { mask: inside } = await decodeMask(painted!, mask, picture);
  const around = dilate(inside, LINE.width);
  const pixels = new Uint8Array(picture.pixels);
  for (let i = 0; i < inside.data.length; i++)
    if (around.data[i] && !inside.data[i]) pixels.set(LINE.colour, 3 * i);
  const { width, height } = picture;
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

function captionOf(text: string, width: number): Buffer {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${CAPTION}" font-family="sans-serif" font-size="12" fill="#222"><text x="0" y="14">${escaped}</text></svg>`,
  );
}
