import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture, type Picture } from '../engine/pictures/read.ts';
import { ssim } from '../engine/pictures/ssim.ts';
import { MEASURED_PLANS } from '../engine/pipelines/budget/measured-plans.ts';
import type { Engine, GenerateRequest } from '../shared/api.ts';
import { describeStepPlan, readStepPlan, writeStepPlan } from '../shared/stepPlan.ts';
import { byDefault, optional, study, table, text, texts, whole, withEngine } from './frame.ts';
import { decibels, mean, median } from './support/figures.ts';
import { type Drawn, drawnFile, readPrompts, UNSEEN, writeDrawn } from './support/prompts.ts';

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

const OFFERED = MEASURED_PLANS.map(({ guided, alone, timesteps }) =>
  writeStepPlan({
    kinds: [...new Array(guided).fill('F'), ...new Array(alone).fill('P')],
    timesteps: [...timesteps],
  }),
);

await study(
  {
    about:
      'What step plans cost and how near their images come to those of the full process: MACs, PSNR, SSIM, seconds. ' +
      'The control of every plan is as many MACs on plain steps, by numbers of steps. Draws prompts that no caption has.',
    arguments: { plans: { ...byDefault(texts('step plans, or numbers of plain steps'), []) } },
    options: {
      count: byDefault(whole('prompts', 1), 24),
      side: byDefault(whole('width and height of the images, in pixels', 64), 256),
      steps: byDefault(whole('steps of the full process', 1), 20),
      images: optional(text('a folder for the images of each plan, for the scorers')),
    },
  },
  async ({ plans, count, side, steps, images }) => {
    const asked = plans.length > 0 ? plans : [...PLAIN.map(String), ...OFFERED, ...OTHERS];
    const cases = [String(steps), ...asked].map(caseOf);
    const prompts = await readPrompts(UNSEEN, count);
    const figures = cases.map(() => ({
      psnr: [] as number[],
      ssim: [] as number[],
      seconds: [] as number[],
    }));
    const drawn: Drawn[][] = cases.map(() => []);
    const macs: number[] = [];
    await withEngine(async (engine) => {
      for (const [i, { prompt, seed, expected }] of prompts.entries()) {
        let full: Picture | undefined;
        for (const [k, { title, request }] of cases.entries()) {
          const common = { prompt, seed, width: side, height: side, previews: false };
          const made = await drawnBy(engine, { ...common, ...request });
          full ??= made.picture;
          macs[k] = made.macs;
          figures[k]!.seconds.push(made.seconds);
          figures[k]!.ssim.push(ssim(made.picture, full));
          // Of equal images it is infinite.
          figures[k]!.psnr.push(psnr(made.picture.pixels, full.pixels));
          if (!images) continue;
          const folder = path.join(images, title.replaceAll(/[^\w-]+/g, '_'));
          await mkdir(folder, { recursive: true });
          const file = drawnFile(folder, i);
          await writeFile(file, made.png);
          drawn[k]!.push({ file, prompt, expected });
          await writeDrawn(folder, drawn[k]!);
        }
      }
    });
    console.log(`${prompts.length} prompts, ${side}×${side}, against ${steps} plain steps\n`);
    const row = table(
      'plan',
      'means',
      'MACs',
      'PSNR, mean',
      'SSIM, median',
      'seconds, median',
      'of the time',
    );
    for (const [k, { title, means }] of cases.entries()) {
      const { psnr: noise, ssim: likeness, seconds } = figures[k]!;
      const share = (macs[k]! / macs[0]!).toFixed(2);
      const time = median(seconds);
      const relative = (time / median(figures[0]!.seconds)).toFixed(2);
      const level = k === 0 ? '' : decibels(mean(noise));
      row(title, means, share, level, median(likeness).toFixed(2), time.toFixed(2), relative);
    }
  },
);

/** A number of plain steps, or a step plan. */
function caseOf(plan: string): { title: string; means: string; request: Partial<GenerateRequest> } {
  if (/^\d+$/.test(plan)) {
    const steps = Number(plan);
    return { title: `${steps} plain`, means: 'control', request: { steps } };
  }
  const read = readStepPlan(plan);
  if (!read) throw new RangeError(`${plan} is no step plan.`);
  return { title: plan, means: describeStepPlan(read), request: { stepPlan: plan } };
}

async function drawnBy(engine: Engine, request: GenerateRequest) {
  const { picture, macs, seconds, loadSeconds } = await engine.generate(request);
  return {
    png: picture.png,
    picture: await decodePicture(picture.png, 'an image'),
    macs,
    seconds: seconds - loadSeconds,
  };
}
