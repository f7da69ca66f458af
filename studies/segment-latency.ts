import { randomInt } from 'node:crypto';
import sharp from 'sharp';
import { median } from '../engine/benchmark/timing.ts';
import { byDefault, optional, study, table, text, whole, withEngine } from './frame.ts';
import { milliseconds } from './support/figures.ts';

await study(
  {
    about:
      'How long a click of the object selection takes: the first one on an image, later ones, and finding all objects.',
    arguments: { image: text('an image') },
    options: {
      model: optional(text('a segmenter folder; the embedded one by default')),
      clicks: byDefault(whole('clicks of each kind', 1), 30),
    },
  },
  ({ image, model, clicks }) =>
    withEngine(async (engine) => {
      const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const { width, height } = info;
      const raw = { width, height, channels: 3 as const };
      const encoded = () => sharp(data, { raw }).png().toBuffer();
      const click = () => [{ x: randomInt(width), y: randomInt(height) }];
      const loaded = await engine.segment({ image: await encoded(), points: click(), model });
      const first: number[] = [];
      const later: number[] = [];
      let { picture } = loaded;
      for (let i = 0; i < clicks; i++) {
        // Another image each time: every pixel is a little brighter.
        for (let j = 0; j < data.length; j++) data[j] = (data[j]! + 1) & 255;
        const result = await engine.segment({ image: await encoded(), points: click(), model });
        first.push(result.seconds);
        ({ picture } = result);
        later.push((await engine.segment({ image: picture, points: click(), model })).seconds);
      }
      const { seconds } = await engine.findObjects({ image: picture, model });
      const row = table(`${width}×${height}`, 'median', 'fastest', 'slowest');
      for (const [what, times] of [
        ['loading', [loaded.loadSeconds]],
        ['first click', first],
        ['later click', later],
        ['all objects', [seconds]],
      ] as const)
        row(what, ...[median(times), Math.min(...times), Math.max(...times)].map(milliseconds));
    }),
);
