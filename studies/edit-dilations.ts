import sharp from 'sharp';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture } from '../engine/pictures/read.ts';
import type { Mask } from '../engine/regions/mask.ts';
import type { Engine } from '../shared/api.ts';
import { byDefault, study, table, whole, wholes, withEngine } from './frame.ts';
import { gigaMacs, mean } from './support/figures.ts';

const SIDE = 256;
/** A square of 5 % of the image. */
const EDITED = Math.round(SIDE * Math.sqrt(0.05));

/** What the image shows, what the edit asks for, and the upper left corner of the square. */
const EDITS = [
  ['a red house by a lake at sunset', 'a red house by a lake at sunset with a blue boat', 150, 150],
  ['a green tree in the mountains at noon', 'an orange tent in the mountains at noon', 40, 150],
  ['a yellow car in the desert at dusk', 'a purple balloon over the desert at dusk', 60, 60],
  ['a white windmill in a meadow at dawn', 'a pink flower in a meadow at dawn', 160, 160],
  ['a blue car in the city at night', 'a red umbrella in the city at night', 100, 180],
  ['a yellow tent in the snowfield at noon', 'a purple snowman in the snowfield at noon', 90, 130],
  ['a red lighthouse by the sea at dusk', 'a green rocket by the sea at dusk', 40, 90],
  ['an orange castle in the mountains at sunset', 'a white cat in the mountains at sunset', 150, 170],
] as const;

interface Point {
  /** PSNR inside the square, in dB. */
  noise: number;
  macs: number;
  /** By level. */
  active: number[];
}

await study(
  {
    about:
      'How the positions computed around a mask bring a sparse edit nearer to the dense one, and what they cost. ' +
      "`own`: the features are those of the image's generation; `recorded`: they are recorded for the edit.",
    options: {
      images: byDefault(whole('how many images are edited', 1, EDITS.length), EDITS.length),
      dilations: byDefault(wholes('latent positions computed around the mask'), [0, 1, 2, 4, 8]),
    },
  },
  async ({ images, dilations }) => {
    const points = new Map<string, Point[]>();
    for (const [i, edit] of EDITS.slice(0, images).entries())
      for (const features of ['own', 'recorded'] as const)
        await withEngine(async (engine) => {
          for await (const { prompt, dilation, ...point } of edits(engine, edit, features, i, dilations)) {
            const key = [prompt, features, dilation].join(' | ');
            points.set(key, [...(points.get(key) ?? []), point]);
          }
        });
    const row = table('prompt', 'features', 'positions', 'active (by level)', 'MACs', 'inside the mask');
    for (const [key, some] of points) {
      const active = some[0]!.active.map((_, l) =>
        Math.round(100 * mean(some.map((point) => point.active[l]!))),
      );
      const noise = some.map((point) => point.noise);
      const [prompt, features, dilation] = key.split(' | ') as [string, string, string];
      row(
        prompt,
        features,
        dilation,
        `${active.join(' / ')} %`,
        gigaMacs(mean(some.map(({ macs }) => macs)), 1),
        `${mean(noise).toFixed(1)} dB (${noise.map((value) => value.toFixed(0)).join(', ')})`,
      );
    }
  },
);

/** Edits one image with each prompt and dilation. */
async function* edits(
  engine: Engine,
  [shows, asks, left, top]: (typeof EDITS)[number],
  features: 'own' | 'recorded',
  i: number,
  dilations: readonly number[],
): AsyncGenerator<Point & { prompt: string; dilation: number }> {
  const inside = square(left, top);
  const mask = await sharp(Buffer.from(inside.data.map((value) => 255 * value)), {
    raw: { width: SIDE, height: SIDE, channels: 1 },
  })
    .png()
    .toBuffer();
  const remember = features === 'own';
  const made = await engine.generate({ prompt: shows, seed: 10 + i, remember, previews: false });
  for (const [kind, prompt] of [
    ['another seed', shows],
    ['another object', asks],
  ] as const) {
    const request = { image: made.picture.png, mask, prompt, seed: 5, budget: 1, previews: false };
    const dense = await engine.edit({ ...request, mode: 'dense' });
    for (const dilation of dilations) {
      const sparse = await engine.edit({ ...request, dilation });
      const [a, b] = await Promise.all(
        [dense, sparse].map(({ picture }) => decodePicture(picture.png, 'an edit')),
      );
      yield {
        prompt: kind,
        dilation,
        noise: psnr(a!.pixels, b!.pixels, inside),
        macs: sparse.macs - sparse.recordingMacs,
        active: sparse.activeFraction,
      };
    }
  }
}

function square(left: number, top: number): Mask {
  const data = new Uint8Array(SIDE * SIDE);
  for (let y = top; y < Math.min(SIDE, top + EDITED); y++)
    data.fill(1, y * SIDE + left, y * SIDE + Math.min(SIDE, left + EDITED));
  return { width: SIDE, height: SIDE, data };
}
