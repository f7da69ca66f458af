// Prints how the positions computed around a mask bring a sparse edit nearer to the dense one, and what they cost.
// `own`: features are those of the picture's making; `recorded`: recorded anew, as the dense edit sees the picture.
// Usage: node --import tsx scripts/edit-dilations.ts
import sharp from 'sharp';
import { createEngine } from '../engine/engine.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';
import type { EditResult } from '../shared/api.ts';

const SIDE = 256;
/** A square of 5 % of the picture. */
const EDITED = Math.round(SIDE * Math.sqrt(0.05));
const DILATIONS = [0, 1, 2, 4, 8];

/** What the picture shows, what the edit says, and the square's left upper corner. */
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

const MADE = ['own', 'recorded'] as const;

interface Point {
  decibels: number;
  macs: number;
  active: number[];
}

const points = new Map<string, Point[]>();
for (const [i, [shows, says, left, top]] of EDITS.entries()) {
  const mask = await squareMask(left, top);
  for (const features of MADE) {
    const engine = createEngine(new NodeRuntime());
    const remember = features === 'own';
    const made = await engine.generate({ prompt: shows, seed: 10 + i, remember, previews: false });
    for (const [kind, prompt] of [
      ['another seed', shows],
      ['another object', says],
    ] as const) {
      const request = { image: made.picture.png, mask, prompt, seed: 5, previews: false };
      const dense = await engine.edit({ ...request, mode: 'dense' });
      for (const dilation of DILATIONS) {
        const sparse = await engine.edit({ ...request, dilation });
        const decibels = await psnrInside(dense, sparse, left, top);
        const key = `${kind} | ${features} | ${dilation}`;
        const point = { decibels, macs: sparse.macs - sparse.recordingMacs, active: sparse.activeFraction };
        points.set(key, [...(points.get(key) ?? []), point]);
      }
    }
    await engine.dispose();
  }
}
for (const [key, some] of points) {
  const mean = (of: (point: Point) => number) =>
    some.reduce((sum, point) => sum + of(point), 0) / some.length;
  const active = some[0]!.active.map((_, l) => Math.round(100 * mean((point) => point.active[l]!)));
  const each = some.map(({ decibels }) => decibels.toFixed(0)).join(', ');
  const macs = (mean((point) => point.macs) / 1e9).toFixed(1);
  console.log(
    `| ${key} | ${active.join(' / ')} % | ${macs} G | ${mean((p) => p.decibels).toFixed(1)} dB (${each}) |`,
  );
}

async function squareMask(left: number, top: number): Promise<Buffer> {
  const black = { width: SIDE, height: SIDE, channels: 3, background: 'black' } as const;
  const white = { ...black, width: EDITED, height: EDITED, background: 'white' };
  return sharp({ create: black })
    .composite([{ input: { create: white }, left, top }])
    .png()
    .toBuffer();
}

async function psnrInside(a: EditResult, b: EditResult, left: number, top: number): Promise<number> {
  const square = { left, top, width: EDITED, height: EDITED };
  const [x, y] = await Promise.all(
    [a, b].map(({ picture }) => sharp(picture.png).extract(square).removeAlpha().raw().toBuffer()),
  );
  const squares = x!.reduce((sum, value, i) => sum + (value - y![i]!) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (squares / x!.length));
}
