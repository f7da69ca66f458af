// Draws prompts in every precision, plainly rounded and calibrated, and compares the pictures with float32's.
// Usage: node --import tsx scripts/compare-precisions.ts [--model FOLDER] training/prompts/unseen.json OUT [COUNT] [STEPS] [VARIANT…]
// Writes OUT/VARIANT/pictures.json for `python3 -m training score`, and prints a table.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { median } from '../engine/benchmark/timing.ts';
import { Components } from '../engine/execution/components.ts';
import { weightsOf } from '../engine/graph/network.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';
import { openModelFolder } from '../engine/models/open.ts';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture, type Picture } from '../engine/pictures/read.ts';
import { ssim } from '../engine/pictures/ssim.ts';
import { recipeOf } from '../engine/pipelines/request.ts';
import { TextEncoder } from '../engine/pipelines/text-encoder.ts';
import { textToImage } from '../engine/pipelines/text-to-image.ts';
import { schedulerNameOf } from '../engine/schedulers/create.ts';
import type { Precision } from '../shared/api.ts';

interface Prompt {
  prompt: string;
  seed: number;
  expected: unknown;
}

const VARIANTS: readonly { name: string; precision: Precision; rounded?: true }[] = [
  { name: 'fp32', precision: 'fp32' },
  { name: 'int8', precision: 'int8' },
  { name: 'int8-rounded', precision: 'int8', rounded: true },
  { name: 'int4', precision: 'int4' },
  { name: 'int4-rounded', precision: 'int4', rounded: true },
];

const { values: named, positionals } = parseArgs({
  options: { model: { type: 'string' } },
  allowPositionals: true,
});
const [list, out, count = '32', steps = '20', ...asked] = positionals;
if (!list || !out) throw new Error('Give a list of prompts and a folder.');
const prompts: Prompt[] = JSON.parse(await readFile(list, 'utf8')).slice(0, Number(count));
const model = await openModelFolder(named.model);
const runtime = new NodeRuntime();
const parameters = weightsOf(model.network('unet')).reduce(
  (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
  0,
);
let reference: Picture[] = [];
console.log(
  '| | PSNR median | mean | worst | SSIM | U-Net on disk | of float32 |\n|---|---|---|---|---|---|---|',
);
for (const { name, precision, rounded } of VARIANTS) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const components = new Components(model, runtime, runtime.threads);
  // Prepared without calibration, the weights stay plainly rounded.
  if (rounded) await components.prepare(precision);
  const ready = { model, components, text: await TextEncoder.open(model, components), warnings: [] };
  const folder = path.join(out, name);
  await mkdir(folder, { recursive: true });
  const drawn: Picture[] = [];
  const pictures: { file: string; prompt: string; expected: unknown }[] = [];
  for (const [i, { prompt, seed, expected }] of prompts.entries()) {
    const scheduler = schedulerNameOf(model.schedulerConfig);
    const request = { prompt, seed, steps: Number(steps), precision };
    const recipe = recipeOf(request, { name: model.name, defaults: model.defaults, scheduler, precision });
    const { picture } = await textToImage(ready, recipe, { previews: false });
    const file = path.resolve(folder, `${String(i).padStart(3, '0')}.png`);
    await writeFile(file, picture.png);
    pictures.push({ file, prompt, expected });
    drawn.push(await decodePicture(picture.png, file));
  }
  await writeFile(path.join(folder, 'pictures.json'), JSON.stringify(pictures, undefined, 1));
  const bytes = await components.unetBytes(precision);
  await components.release();
  const size = `${(bytes / 1e6).toFixed(2)} MB | ${(bytes / (4 * parameters)).toFixed(3)}`;
  if (reference.length === 0) {
    reference = drawn;
    console.log(`| ${name} | – | – | – | – | ${size} |`);
    continue;
  }
  const decibels = drawn.map(({ pixels }, i) => psnr(pixels, reference[i]!.pixels));
  const likeness = drawn.map((picture, i) => ssim(picture, reference[i]!));
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const figures = [median(decibels), mean(decibels), Math.min(...decibels)].map(
    (db) => `${db.toFixed(1)} dB`,
  );
  console.log(`| ${name} | ${figures.join(' | ')} | ${mean(likeness).toFixed(3)} | ${size} |`);
}
