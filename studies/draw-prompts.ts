import { mkdir, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { byDefault, optional, pixels, study, text, whole, withEngine } from './frame.ts';
import { type Drawn, drawnFile, readPrompts, writeDrawn } from './support/prompts.ts';
import { allowSvg } from './support/svg.ts';

const TILE = 200;
const CAPTION = 44;
const GAP = 10;

await study(
  {
    about:
      'Draws every prompt of a list, for the scorers and for the contact sheet of the README (docs/images/scenes.png). ' +
      'Writes OUT/pictures.json.',
    arguments: { prompts: text('a list of prompts'), out: text('a folder for the images') },
    options: {
      count: optional(whole('prompts of the list; all by default', 1)),
      size: optional(pixels('of the images; those of the model by default')),
      sheet: optional(text('also draws a contact sheet into this file')),
      columns: byDefault(whole('images beside each other on the sheet', 1), 6),
    },
  },
  async ({ prompts: list, out, count, size, sheet, columns }) => {
    await mkdir(out, { recursive: true });
    const drawn: Drawn[] = [];
    await withEngine(async (engine) => {
      for (const [i, { prompt, seed, expected }] of (await readPrompts(list, count)).entries()) {
        const { picture } = await engine.generate({ prompt, seed, ...size, previews: false });
        const file = drawnFile(out, i);
        await writeFile(file, picture.png);
        drawn.push({ file, prompt, expected });
      }
    });
    await writeDrawn(out, drawn);
    if (sheet) await drawSheet(sheet, drawn, columns);
    console.log(`${drawn.length} images in ${out}`);
  },
);

async function drawSheet(target: string, drawn: readonly Drawn[], columns: number): Promise<void> {
  allowSvg();
  const rows = Math.ceil(drawn.length / columns);
  const tiles = await Promise.all(
    drawn.map(async ({ file, prompt }, i) => {
      const input = await sharp(file).resize(TILE, TILE).png().toBuffer();
      const left = (i % columns) * (TILE + GAP);
      const top = Math.floor(i / columns) * (TILE + CAPTION + GAP);
      return [
        { input, left, top },
        { input: captionOf(prompt), left, top: top + TILE },
      ];
    }),
  );
  const width = columns * (TILE + GAP) - GAP;
  const height = rows * (TILE + CAPTION + GAP) - GAP;
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
