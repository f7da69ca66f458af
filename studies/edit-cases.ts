import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { median } from '../engine/benchmark/timing.ts';
import { decodeMask } from '../engine/pictures/mask.ts';
import { psnr } from '../engine/pictures/psnr.ts';
import { decodePicture } from '../engine/pictures/read.ts';
import { type Engine, ZOOMS, type ZoomMode } from '../shared/api.ts';
import {
  byDefault,
  choice,
  flag,
  fraction,
  optional,
  pixels,
  study,
  table,
  text,
  whole,
  withEngine,
} from './frame.ts';
import { caseList, type EditCase, readCases } from './support/edit-cases.ts';
import { drawEditSheet } from './support/edit-sheet.ts';
import { decibels, mean, percent } from './support/figures.ts';

const MODES = ['sparse', 'dense'] as const;
type Mode = (typeof MODES)[number];
const ROOT = path.join(import.meta.dirname, '..');

await study(
  {
    about:
      'Edits that were never trained on, drawn sparsely and densely: how near the two are inside the mask, and what the ' +
      'judge of `training` says of both. Writes FOLDER/sparse, FOLDER/dense and the cases that are not there yet.',
    arguments: { folder: text('a folder for cases and images') },
    options: {
      count: byDefault(whole('edits', 1), 200),
      removals: byDefault(whole('removals'), 60),
      size: byDefault(pixels('of the images'), { width: 256, height: 256 }),
      steps: optional(whole('denoising steps', 1, 150)),
      budget: optional(fraction('share of the MACs that an edit may spend; 1 computes every step', 0.1, 1)),
      zoom: byDefault(choice('whether small masks are worked on in a window', ZOOMS), 'off'),
      python: byDefault(text('Python with PyTorch, which makes the cases and judges the images'), 'python3'),
      judge: flag('only draw and compare', true),
      sheet: optional(text('also draws a contact sheet of 48 cases into this file')),
    },
  },
  async ({ folder, count, removals, size, python, judge, sheet, ...how }) => {
    const list = caseList(folder);
    const counts = ['--count', String(count), '--removals', String(removals)];
    if (!existsSync(list))
      await training(python, 'edit-cases', folder, ...counts, '--size', `${size.width}x${size.height}`);
    const all = await readCases(folder);
    const cases = [
      ...all.filter(({ way }) => way === 'add').slice(0, count),
      ...all.filter(({ way }) => way === 'remove').slice(0, removals),
    ];
    const likeness = await withEngine((engine) => drawAll(engine, path.dirname(list), cases, how));
    const adding = likeness.filter((_, i) => cases[i]!.way === 'add');
    console.log(
      `Sparse against dense inside the mask, ${adding.length} edits: median ${decibels(median(adding))}, mean ${decibels(mean(adding))}; ${percent(adding.filter((value) => value >= 26).length / adding.length)} from 26 dB on\n`,
    );
    if (judge) await judgeAll(python, path.dirname(list));
    if (sheet) await drawEditSheet(sheet, path.dirname(list), cases, likeness);
  },
);

/** Draws every case in both modes. @returns PSNR of the sparse edit against the dense one inside the mask, in dB */
async function drawAll(
  engine: Engine,
  folder: string,
  cases: readonly EditCase[],
  { steps, budget, zoom }: { steps?: number; budget?: number; zoom: ZoomMode },
): Promise<number[]> {
  const likeness: number[] = [];
  for (const mode of MODES) await mkdir(path.join(folder, mode), { recursive: true });
  for (const { file, before, mask, prompt, seed, way } of cases) {
    const [image, painted] = await Promise.all(
      [before, mask].map((name) => readFile(path.join(folder, name))),
    );
    // The masks of removals are grown already.
    const asked = { image: image!, mask: painted!, prompt, seed, steps, budget, zoom, previews: false };
    const drawn: Record<Mode, Uint8Array> = { sparse: new Uint8Array(), dense: new Uint8Array() };
    for (const mode of MODES) {
      const { picture } = await engine.edit({ ...asked, mode });
      drawn[mode] = picture.png;
      await writeFile(path.join(folder, mode, file), picture.png);
    }
    const [sparse, dense] = await Promise.all(
      MODES.map((mode) => decodePicture(drawn[mode], `${mode} ${way}`)),
    );
    const { mask: inside } = await decodeMask(painted!, mask, sparse!);
    likeness.push(psnr(sparse!.pixels, dense!.pixels, inside));
    if (likeness.length % 20 === 0) console.error(`${likeness.length} of ${cases.length}`);
  }
  for (const mode of MODES) {
    const relative = cases.map((one) => ({ ...one, before: `../${one.before}`, mask: `../${one.mask}` }));
    await writeFile(path.join(folder, mode, 'pictures.json'), JSON.stringify(relative, undefined, 1));
  }
  return likeness;
}

/** Shares of cases, 0 … 1; the seam as `training/README.md` explains it. */
type Figures = Record<string, { count: number } & Partial<Record<string, number>>>;

async function judgeAll(python: string, folder: string): Promise<void> {
  const row = table('', 'edits', 'shown in its colour', 'and whole', 'seam', 'removals', 'gone');
  for (const mode of MODES) {
    const out = path.join(folder, mode, 'figures.json');
    await training(python, 'judge-edits', path.join(folder, mode, 'pictures.json'), '--out', out);
    const { figures } = JSON.parse(await readFile(out, 'utf8')) as { figures: Figures };
    const [edits, gone] = [figures.edits!, figures.removals!];
    const share = (value?: number) => (value === undefined ? '–' : percent(value));
    row(
      mode,
      edits.count ?? 0,
      share(edits.shown),
      share(edits.whole),
      edits.seam?.toFixed(2) ?? '–',
      gone.count ?? 0,
      share(gone.gone),
    );
  }
}

async function training(python: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(python, ['-m', 'training', ...args], { cwd: ROOT, maxBuffer: 1 << 26 });
}
