import type { BenchmarkReport, BenchmarkRow } from '../api.ts';

/** Figures of a publication, for one way to run a network. */
export interface Published {
  /** Who measured, and on what. */
  source: string;
  denseMacs: number;
  denseSeconds: number;
  rows: PublishedRow[];
  /** Whether a run's figures can be compared with these. */
  fits(report: BenchmarkReport): boolean;
  /** Whether this is a row's counterpart. */
  matches(published: PublishedRow, row: BenchmarkRow): boolean;
}

/** One row; figures that were not published are null. */
export interface PublishedRow {
  /** How the mask's name begins. */
  mask?: string;
  workers?: number;
  /** Multiply–accumulates of one worker, if there are several. */
  macs: number | null;
  seconds: number | null;
  /** Against one worker's picture, in dB. */
  psnr?: number;
}

const SUBJECT = { model: 'sd15', width: 1024, height: 512, steps: null };

/** One U-Net step of Stable Diffusion 1.4 with guidance (Li et al., NeurIPS 2022). */
export const SIGE = {
  source: 'SIGE, Stable Diffusion 1.4 on an RTX 3090',
  ...SUBJECT,
  denseMacs: 1854.8e9,
  denseSeconds: 0.3686,
  rows: [
    { mask: 'inpaint', macs: 514.5e9, seconds: 0.095 },
    { mask: 'img2img-0', macs: 224.9e9, seconds: 0.0512 },
    { mask: 'img2img-1', macs: 352.6e9, seconds: 0.0764 },
  ],
  fits: ({ model, width, height, steps, guidance }: BenchmarkReport) =>
    guidance === true &&
    model === SUBJECT.model &&
    width === SUBJECT.width &&
    height === SUBJECT.height &&
    steps === SUBJECT.steps,
  matches: (published: PublishedRow, { mode, mask }: BenchmarkRow) =>
    mode === 'sparse' && (mask === published.mask || mask?.startsWith(`${published.mask}.`) === true),
} satisfies Published;

/** Ways to divide a picture that the paper's is like. */
const DISPLACED = ['patch', 'branches'];

/**
 * Pictures of SDXL with 50 steps and guidance, 1280×1920, on 1, 4 and 8 devices; PSNR at its own sizes (Li et al.,
 * CVPR 2024). Another network on another machine is compared by its factors.
 */
const DISTRIFUSION: Published = {
  source: 'DistriFusion, SDXL 1280×1920, 50 steps, one GPU a worker',
  denseMacs: 907.2e12,
  denseSeconds: 12.3,
  rows: [
    { workers: 2, macs: null, seconds: null, psnr: 24.6 },
    { workers: 4, macs: 226.8e12, seconds: 4.16, psnr: 23.0 },
    { workers: 8, macs: 113.4e12, seconds: 2.74 },
  ],
  fits: ({ rows, guidance }) => guidance === true && rows.some(({ case: name }) => DISPLACED.includes(name)),
  matches: ({ workers }, row) => DISPLACED.includes(row.case) && row.workers === workers,
};

/** What was published for a run, if anything was. */
export function publishedFor(report: BenchmarkReport): Published | undefined {
  return [SIGE, DISTRIFUSION].find((published) => published.fits(report));
}

/** What was published for a row of it. */
export function publishedRow(published: Published, row: BenchmarkRow): PublishedRow | undefined {
  return published.rows.find((other) => published.matches(other, row));
}
