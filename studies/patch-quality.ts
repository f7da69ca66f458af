import path from 'node:path';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture } from '../engine/pictures/read.ts';
import { writePicture } from '../engine/pictures/write.ts';
import type { PatchOptions } from '../shared/api.ts';
import { byDefault, optional, study, table, text, whole, withEngine } from './frame.ts';
import { decibels, mean } from './support/figures.ts';
import { readPrompts, UNSEEN } from './support/prompts.ts';

const SETTINGS: PatchOptions[] = [
  ...[1, 2, 3, 4, 5].map((warmUp) => ({ mode: 'displaced' as const, warmUp })),
  ...(['float16', 'residual'] as const).map((coding) => ({ mode: 'displaced' as const, warmUp: 2, coding })),
  ...[0, 2].map((warmUp) => ({ mode: 'naive' as const, warmUp })),
  { mode: 'synchronous' },
];

await study(
  {
    about:
      "How near images drawn by several workers come to one worker's: PSNR by mode, dense steps and coding of the exchange. " +
      'Draws prompts that no training caption has.',
    arguments: { workers: whole('how many workers share an image', 2, 64) },
    options: {
      side: byDefault(whole('width and height of the images, in pixels', 64), 512),
      steps: byDefault(whole('denoising steps', 1), 20),
      count: byDefault(whole('prompts', 1), 6),
      settings: byDefault(
        whole('how many of the settings, from the first', 1, SETTINGS.length),
        SETTINGS.length,
      ),
      images: optional(text('a folder for the images of the first prompt')),
    },
  },
  async ({ workers, side, steps, count, settings, images }) => {
    const common = { width: side, height: side, steps, threads: 1, previews: false };
    const requests = (await readPrompts(UNSEEN, count)).map(({ prompt, seed }) => ({
      ...common,
      prompt,
      seed,
    }));
    const pixelsOf = async (png: Uint8Array) => (await decodePicture(png, 'an image')).pixels;
    const keep = async (name: string, png: Uint8Array) => {
      if (images) await writePicture(path.join(images, `${name}.png`), png);
    };
    await withEngine(async (engine) => {
      const alone: Uint8Array[] = [];
      for (const [i, request] of requests.entries()) {
        const { picture } = await engine.generate(request);
        alone.push(await pixelsOf(picture.png));
        if (i === 0) await keep('one', picture.png);
      }
      console.log(`${workers} workers, ${side}×${side}, ${steps} steps, ${requests.length} prompts\n`);
      const row = table('', 'PSNR, mean', 'worst to best', 'received a step by each worker, at most');
      for (const patch of SETTINGS.slice(0, settings)) {
        const noise: number[] = [];
        let bytes = 0;
        for (const [i, request] of requests.entries()) {
          const result = await engine.generate({ ...request, workers, patch: { ...patch, split: 'bands' } });
          noise.push(psnr(await pixelsOf(result.picture.png), alone[i]!));
          bytes = Math.max(bytes, ...result.workers!.map(({ receivedBytes }) => receivedBytes));
          if (i === 0) await keep(`${workers}-${Object.values(patch).join('-')}`, result.picture.png);
        }
        const { mode, warmUp, coding } = patch;
        const name = [mode, warmUp !== undefined && `${warmUp} dense steps`, coding]
          .filter(Boolean)
          .join(', ');
        const range = `${Math.min(...noise).toFixed(1)} to ${Math.max(...noise).toFixed(1)}`;
        row(name, decibels(mean(noise)), range, `${(bytes / 1e6).toFixed(2)} MB`);
      }
    });
  },
);
