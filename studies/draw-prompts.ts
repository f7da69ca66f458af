// Draws every prompt of a list, for the scorer in training/ and for the contact sheet of the docs.
// Usage: node --import tsx scripts/draw-prompts.ts training/prompts/sheet.json OUT [SHEET.png COLUMNS]
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { createEngine } from '../engine/engine.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';

interface Prompt {
  prompt: string;
  seed: number;
  expected: unknown;
}

const TILE = 200;
const CAPTION = 44;
const GAP = 10;

const [list, out, sheet, columns = '6'] = process.argv.slice(2);
if (!list || !out) throw new Error('Give a list of prompts and a folder.');
const prompts: Prompt[] = JSON.parse(await readFile(list, 'utf8'));
await mkdir(out, { recursive: true });
const engine = createEngine(new NodeRuntime());
const pictures: { file: string; prompt: string; expected: unknown }[] = [];
for (const [i, { prompt, seed, expected }] of prompts.entries()) {
  const file = path.join(out, `${String(i).padStart(3, '0')}.png`);
  const { picture } = await engine.generate({ prompt, seed, previews: false });
  await writeFile(file, picture.png);
  pictures.push({ file: path.resolve(file), prompt, expected });
}
await engine.dispose();
await writeFile(path.join(out, 'pictures.json'), JSON.stringify(pictures, undefined, 1));
if (sheet) await drawSheet(sheet, Number(columns));

async function drawSheet(target: string, across: number): Promise<void> {
  const down = Math.ceil(pictures.length / across);
  const tiles = await Promise.all(
    pictures.map(async ({ file, prompt }, i) => {
      const picture = await sharp(file).resize(TILE, TILE).png().toBuffer();
      const [left, top] = [(i % across) * (TILE + GAP), Math.floor(i / across) * (TILE + CAPTION + GAP)];
      return [
        { input: picture, left, top },
        { input: captionOf(prompt), left, top: top + TILE },
      ];
    }),
  );
  const width = across * (TILE + GAP) - GAP;
  const height = down * (TILE + CAPTION + GAP) - GAP;
  await sharp({ create: { width, height, channels: 3, background: 'white' } })
    .composite(tiles.flat())
    .png({ palette: true, quality: 90, compressionLevel: 9 })
    .toFile(target);
}

/** A prompt on up to three lines, as SVG. */
function captionOf(prompt: string): Buffer {
  const lines: string[] = [''];
  for (const word of prompt.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (longer.length > 34 && lines.length < 3) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  const spans = lines.map((line, i) => `<text x="0" y="${13 + 13 * i}">${escapeXml(line)}</text>`).join('');
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${TILE}" height="${CAPTION}" font-family="sans-serif" font-size="11" fill="#222">${spans}</svg>`,
  );
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
