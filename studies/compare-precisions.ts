import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { NodeBackend } from '../engine/backends/node/backend.ts';
import { median } from '../engine/benchmark/timing.ts';
import { Components } from '../engine/execution/components.ts';
import { countParameters } from '../engine/graph/network.ts';
import { openCheckpoint } from '../engine/models/open.ts';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture, type Picture } from '../engine/pictures/read.ts';
import { ssim } from '../engine/pictures/ssim.ts';
import { recipeOf } from '../engine/pipelines/check-request.ts';
import { TextEncoder } from '../engine/pipelines/text-encoder.ts';
import { textToImage } from '../engine/pipelines/text-to-image.ts';
import { schedulerNameOf } from '../engine/schedulers/create.ts';
import type { Precision } from '../shared/api.ts';
import { byDefault, choices, optional, study, table, text, whole } from './frame.ts';
import { decibels, mean } from './support/figures.ts';
import { type Drawn, drawnFile, readPrompts, writeDrawn } from './support/prompts.ts';

/** The first one drawn is what the others are compared with. */
const VARIANTS: Record<string, { precision: Precision; rounded?: true }> = {
  fp32: { precision: 'fp32' },
  int8: { precision: 'int8' },
  'int8-rounded': { precision: 'int8', rounded: true },
  int4: { precision: 'int4' },
  'int4-rounded': { precision: 'int4', rounded: true },
};

await study(
  {
    about:
      'Draws prompts in every precision, calibrated and plainly rounded, and compares the images with the first variant. ' +
      'Writes OUT/VARIANT/pictures.json for `python3 -m training score`.',
    arguments: { prompts: text('a list of prompts'), out: text('a folder for the images') },
    options: {
      model: optional(text('a model folder; the embedded model by default')),
      count: byDefault(whole('prompts of the list', 1), 32),
      steps: byDefault(whole('denoising steps', 1), 20),
      variants: byDefault(choices('which', Object.keys(VARIANTS)), Object.keys(VARIANTS)),
    },
  },
  async ({ prompts: list, out, model: folder, count, steps, variants }) => {
    const prompts = await readPrompts(list, count);
    const model = await openCheckpoint(folder);
    const backend = new NodeBackend();
    const parameters = countParameters(model.network('denoiser'));
    const row = table('', 'PSNR median', 'mean', 'worst', 'SSIM', 'U-Net on disk', 'of float32');
    let reference: Picture[] | undefined;
    for (const name of variants) {
      const { precision, rounded } = VARIANTS[name]!;
      const components = new Components(model, backend, backend.threads);
      // Prepared without calibration, the weights stay plainly rounded.
      if (rounded) await components.prepare(precision);
      const images = await draw(components, precision, path.join(out, name));
      const bytes = await components.denoiserBytes(precision);
      await components.release();
      const sizes = [`${(bytes / 1e6).toFixed(2)} MB`, (bytes / (4 * parameters)).toFixed(3)];
      if (!reference) {
        reference = images;
        row(name, '–', '–', '–', '–', ...sizes);
        continue;
      }
      const exact = reference;
      const noise = images.map(({ pixels }, i) => psnr(pixels, exact[i]!.pixels));
      const likeness = mean(images.map((image, i) => ssim(image, exact[i]!)));
      const figures = [median(noise), mean(noise), Math.min(...noise)].map(decibels);
      row(name, ...figures, likeness.toFixed(3), ...sizes);
    }

    /** Draws every prompt into a folder. */
    async function draw(components: Components, precision: Precision, target: string): Promise<Picture[]> {
      const ready = { model, components, text: await TextEncoder.open(model, components), warnings: [] };
      const scheduler = schedulerNameOf(model.schedulerConfig);
      await mkdir(target, { recursive: true });
      const images: Picture[] = [];
      const drawn: Drawn[] = [];
      for (const [i, { prompt, seed, expected }] of prompts.entries()) {
        const request = { prompt, seed, steps, precision };
        const recipe = recipeOf(request, {
          name: model.name,
          defaults: model.defaults,
          scheduler,
          precision,
        });
        const { picture } = await textToImage(ready, recipe, { previews: false });
        const file = drawnFile(target, i);
        await writeFile(file, picture.png);
        drawn.push({ file, prompt, expected });
        images.push(await decodePicture(picture.png, file));
      }
      await writeDrawn(target, drawn);
      return images;
    }
  },
);
