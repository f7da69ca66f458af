import sharp from 'sharp';
import type { Engine } from '../shared/api.ts';
import { byDefault, study, text, withEngine } from './frame.ts';
import { allowSvg } from './support/svg.ts';

const SIDE = 256;
const GAP = 8;
/** How much the difference is brightened. */
const GAIN = 4;

interface Strip {
  /** Prompt of a generated picture; without one the photograph is edited. */
  picture?: string;
  edit: string;
  /** The mask's shape, as SVG on 256×256. */
  shape: string;
}

const STRIPS: Strip[] = [
  {
    picture: 'a red house by a lake at sunset',
    edit: 'a white boat on a lake at sunset',
    shape: '<ellipse cx="170" cy="195" rx="60" ry="36"/>',
  },
  {
    picture: 'a green tree in the mountains at noon',
    edit: 'an orange tent in the mountains at noon',
    shape: '<rect x="150" y="130" width="90" height="90"/>',
  },
  {
    picture: 'a yellow car in the desert at dusk',
    edit: 'a purple balloon over the desert at dusk',
    shape: '<circle cx="70" cy="60" r="44"/>',
  },
  { edit: 'a purple balloon at dusk', shape: '<circle cx="60" cy="80" r="48"/>' },
];

await study(
  {
    about:
      'Draws docs/images/edits.png. In each row: the original, the mask, the dense edit, the sparse edit, their difference.',
    arguments: { photograph: text('a photograph, for the last row') },
    options: { out: byDefault(text('the file to write'), 'docs/images/edits.png') },
  },
  async ({ photograph, out }) => {
    const rows = await withEngine(async (engine) => {
      const drawn: Buffer[] = [];
      for (const [i, strip] of STRIPS.entries()) drawn.push(await drawStrip(engine, strip, i, photograph));
      return drawn;
    });
    const height = rows.length * (SIDE + GAP) - GAP;
    await sharp({ create: { width: 5 * (SIDE + GAP) - GAP, height, channels: 3, background: 'white' } })
      .composite(rows.map((input, i) => ({ input, left: 0, top: i * (SIDE + GAP) })))
      .png({ compressionLevel: 9 })
      .toFile(out);
    console.log(out);
  },
);

async function drawStrip(
  engine: Engine,
  { picture, edit, shape }: Strip,
  i: number,
  photograph: string,
): Promise<Buffer> {
  const original = picture
    ? Buffer.from((await engine.generate({ prompt: picture, seed: 10 + i, remember: true })).picture.png)
    : await sharp(photograph).resize(SIDE, SIDE).png().toBuffer();
  allowSvg();
  const mask = await sharp(svg(shape, 'white', 'black'))
    .png()
    .toBuffer();
  const request = { prompt: edit, image: original, mask, seed: 20 + i, previews: false };
  const dense = Buffer.from((await engine.edit({ ...request, mode: 'dense' })).picture.png);
  const sparse = Buffer.from((await engine.edit({ ...request, mode: 'sparse' })).picture.png);
  const overlay = await sharp(original)
    .composite([{ input: svg(shape, 'rgba(255,0,200,0.55)') }])
    .png()
    .toBuffer();
  const difference = await sharp(dense)
    .removeAlpha()
    .composite([{ input: await sharp(sparse).removeAlpha().png().toBuffer(), blend: 'difference' }])
    .png()
    .toBuffer();
  const brighter = await sharp(difference).linear(GAIN, 0).png().toBuffer();
  return beside([original, overlay, dense, sparse, brighter]);
}

function svg(shape: string, fill: string, background?: string): Buffer {
  const backdrop = background ? `<rect width="100%" height="100%" fill="${background}"/>` : '';
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">${backdrop}<g fill="${fill}">${shape}</g></svg>`,
  );
}

async function beside(pictures: Buffer[]): Promise<Buffer> {
  const width = pictures.length * (SIDE + GAP) - GAP;
  return sharp({ create: { width, height: SIDE, channels: 3, background: 'white' } })
    .composite(pictures.map((input, i) => ({ input, left: i * (SIDE + GAP), top: 0 })))
    .png()
    .toBuffer();
}
