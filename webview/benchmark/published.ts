import type { BenchmarkReport, BenchmarkRow } from '../../engine/api.ts';

/** Figures of a publication, for one way to run a network. */
export interface Published {
  /** Who measured, and on what. */
  source: string;
  model: string;
  width: number;
  height: number;
  denseMacs: number;
  denseSeconds: number;
  rows: PublishedRow[];
}

export interface PublishedRow {
  mask: string;
  macs: number;
  seconds: number;
}

/** One U-Net step of Stable Diffusion 1.4 with guidance (Li et al., NeurIPS 2022). */
export const SIGE: Published = {
  source: 'SIGE, RTX 3090',
  model: 'sd15',
  width: 1024,
  height: 512,
  denseMacs: 1854.8e9,
  denseSeconds: 0.3686,
  rows: [
    { mask: 'inpaint', macs: 514.5e9, seconds: 0.095 },
    { mask: 'img2img-0', macs: 224.9e9, seconds: 0.0512 },
    { mask: 'img2img-1', macs: 352.6e9, seconds: 0.0764 },
  ],
};

/** What was published for a run, if anything was. */
export function publishedFor({
  model,
  width,
  height,
  steps,
  guidance,
}: BenchmarkReport): Published | undefined {
  const fits = SIGE.model === model && SIGE.width === width && SIGE.height === height;
  return fits && steps === null && guidance ? SIGE : undefined;
}

/** What was published for a row of it: the masks are told apart by how their names begin. */
export function publishedRow({ rows }: Published, { mode, mask }: BenchmarkRow): PublishedRow | undefined {
  if (mode !== 'sparse' || mask === null) return undefined;
  return rows.find((row) => mask === row.mask || mask.startsWith(`${row.mask}.`));
}
