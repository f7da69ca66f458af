import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { median } from '../engine/benchmark/timing.ts';
import { decodeMask } from '../engine/pictures/mask.ts';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture, type Picture } from '../engine/pictures/read.ts';
import { ssim } from '../engine/pictures/ssim.ts';
import { MEASURED_PLANS } from '../engine/pipelines/budget/measured-plans.ts';
import type { Mask } from '../engine/regions/mask.ts';
import { type Engine, type GenerateRequest, SCHEDULERS } from '../shared/api.ts';
import { describeStepPlan, readStepPlan } from '../shared/stepPlan.ts';
import { byDefault, optional, study, table, text, texts, whole, withEngine } from './frame.ts';
import { readCases } from './support/edit-cases.ts';
import { decibels, mean } from './support/figures.ts';
import { type Drawn, drawnFile, readDrawn, readPrompts, UNSEEN, writeDrawn } from './support/prompts.ts';

/** Means that were measured beside those that are offered. */
const OTHERS = [
  'FFFFF 999 769 599 399 259',
  'FFFFPPPPPPPPPPPPPPPP',
  'FFdFdFdFdFdFdFdFdFdF',
  'FFdddFdddFdddFdddFdd',
  'FF-F-F-F-F-F-F-F-F-F',
];

/** Plain steps: the control. */
const PLAIN = [2, 3, 4, 5, 6, 7, 9, 13];

/** Figures of one image. */
interface Figures {
  /** Against the image of the full process; null: they are equal. */
  psnr: number | null;
  ssim: number;
  seconds: number;
  macs: number;
}

await study(
  {
    about:
      'What step plans cost and how near their images come to those of the full process: MACs, PSNR, SSIM, seconds. ' +
      'The control of every plan is as many MACs on plain steps, by numbers of steps. Draws prompts that no caption has. ' +
      'Goes on where it was stopped if a folder is given.',
    arguments: {
      plans: {
        ...byDefault(
          texts('step plans, each followed by a sampler if it has another, or numbers of plain steps'),
          [],
        ),
      },
    },
    options: {
      count: byDefault(whole('prompts', 1), 24),
      side: byDefault(whole('width and height of the images, in pixels', 64), 256),
      steps: byDefault(whole('steps of the full process', 1), 20),
      threads: optional(whole('threads', 1, 64)),
      model: optional(text('a model in place of Scenes')),
      images: optional(
        text('a folder for the images of each plan, for the scorers, and for all figures so far'),
      ),
      edits: optional(text('sparse edits in place of new images: a folder of cases, see edit-cases.ts')),
    },
  },
  async ({ plans, count, side, steps, threads, model, images, edits }) => {
    const asked = plans.length > 0 ? plans : [...PLAIN.map(String), ...MEASURED_PLANS, ...OTHERS];
    const cases = [String(steps), ...asked].map(caseOf);
    const size = { width: side, height: side };
    const subjects = edits ? await editsOf(edits, count) : await imagesOf(count, size);
    const record = images && path.join(images, 'figures.json');
    const figures = await readFigures(
      record,
      cases.map(({ title }) => title),
    );
    await withEngine(async (engine) => {
      for (const [i, { draw, about, mask }] of subjects.entries()) {
        if (cases.every(({ title }) => figures[title]![i])) continue;
        let full: Picture | undefined;
        for (const { title, request } of cases) {
          const made = await draw(engine, { threads, model, previews: false, ...request });
          const { png, macs, seconds } = made;
          const picture = await decodePicture(png, 'an image');
          full ??= picture;
          const level = psnr(picture.pixels, full.pixels, mask && (await mask(picture)));
          const psnrOrNull = Number.isFinite(level) ? level : null;
          figures[title]![i] = { psnr: psnrOrNull, ssim: ssim(picture, full), seconds, macs };
          if (images) await keep(folderOf(images, title), i, png, about);
        }
        if (record) await writeWhole(record, JSON.stringify(figures));
      }
    });
    const what = edits ? `edits, inside the mask` : `prompts, ${side}×${side}`;
    console.log(`${subjects.length} ${what}, against ${steps} plain steps\n`);
    const row = table(
      'plan',
      'means',
      'MACs',
      'PSNR, mean',
      'SSIM, median',
      'seconds, median',
      'of the time',
    );
    const all = figures[cases[0]!.title]!;
    for (const { title, means } of cases) {
      const made = figures[title]!;
      const noise = made.flatMap(({ psnr: level }) => level ?? []);
      const share = (made[0]!.macs / all[0]!.macs).toFixed(2);
      const time = median(made.map(({ seconds }) => seconds));
      // The same prompt's images were generated one after the other.
      const relative = median(made.map(({ seconds }, i) => seconds / all[i]!.seconds)).toFixed(2);
      const level = noise.length === 0 ? '' : decibels(mean(noise));
      const likeness = median(made.map((one) => one.ssim)).toFixed(2);
      row(title, means, share, level, likeness, time.toFixed(2), relative);
    }
  },
);

/** What an earlier run of the study measured for each case, by prompt. */
async function readFigures(
  record: string | undefined,
  titles: readonly string[],
): Promise<Record<string, Figures[]>> {
  const kept: Record<string, Figures[]> = record
    ? await readFile(record, 'utf8').then(JSON.parse, () => ({}))
    : {};
  return { ...kept, ...Object.fromEntries(titles.map((title) => [title, kept[title] ?? []])) };
}

function folderOf(images: string, title: string): string {
  return path.join(images, title.replaceAll(/[^\w-]+/g, '_'));
}

/** Writes an image and lists it for the scorers. */
async function keep(folder: string, i: number, png: Uint8Array, { prompt, expected }: About): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = drawnFile(folder, i);
  await writeFile(file, png);
  if (!expected) return;
  const before = await readDrawn(path.join(folder, 'pictures.json')).catch(() => []);
  await writeDrawn(folder, [...before.filter((one) => one.file !== file), { file, prompt, expected }]);
}

/** A stop in the middle leaves the file as it was. */
async function writeWhole(file: string, content: string): Promise<void> {
  await writeFile(`${file}.part`, content);
  await rename(`${file}.part`, file);
}

/** A number of plain steps, or a step plan: `PPPP @budget/few.safetensors ddim`. */
function caseOf(plan: string): { title: string; means: string; request: Partial<GenerateRequest> } {
  if (/^\d+$/.test(plan)) {
    const steps = Number(plan);
    return { title: `${steps} plain`, means: 'control', request: { stepPlan: 'F'.repeat(steps) } };
  }
  const scheduler = SCHEDULERS.find((name) => plan.endsWith(` ${name}`));
  const stepPlan = scheduler ? plan.slice(0, -scheduler.length - 1) : plan;
  const read = readStepPlan(stepPlan);
  if (!read) throw new RangeError(`${plan} is no step plan.`);
  return {
    title: plan,
    means: describeStepPlan(read),
    request: { stepPlan, ...(scheduler && { scheduler }) },
  };
}

/** What an image was drawn for; an edit is not for the scorers of new images. */
type About = Pick<Drawn, 'prompt'> & Partial<Pick<Drawn, 'expected'>>;

/** A new image or an edit. */
interface Subject {
  draw: (
    engine: Engine,
    how: Partial<GenerateRequest>,
  ) => Promise<{ png: Uint8Array; macs: number; seconds: number }>;
  about: About;
  /** Where images are compared; everywhere if absent. */
  mask?: (picture: Picture) => Promise<Mask>;
}

async function imagesOf(count: number, size: { width: number; height: number }): Promise<Subject[]> {
  const prompts = await readPrompts(UNSEEN, count);
  return prompts.map(({ prompt, seed, expected }) => ({
    about: { prompt, expected },
    async draw(engine, how) {
      const { picture, macs, seconds, loadSeconds } = await engine.generate({
        prompt,
        seed,
        ...size,
        ...how,
      });
      return { png: picture.png, macs, seconds: seconds - loadSeconds };
    },
  }));
}

/** Edits whose images have been recorded. */
async function editsOf(folder: string, count: number): Promise<Subject[]> {
  const cases = (await readCases(folder)).filter(({ way }) => way === 'add').slice(0, count);
  const subjects = cases.map(async ({ before, mask: name, prompt, seed }): Promise<Subject> => {
    const [image, mask] = await Promise.all([before, name].map((file) => readFile(path.join(folder, file))));
    const edit = { image: image!, mask: mask!, prompt, seed, mode: 'sparse' as const, budget: 1 };
    return {
      about: { prompt },
      mask: async (picture) => (await decodeMask(mask!, name, picture)).mask,
      async draw(engine, how) {
        await engine.edit({ ...edit, ...how });
        const { picture, macs, seconds, loadSeconds } = await engine.edit({ ...edit, ...how });
        return { png: picture.png, macs, seconds: seconds - loadSeconds };
      },
    };
  });
  return Promise.all(subjects);
}
