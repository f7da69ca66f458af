import type { EditResult, Engine } from '../api.ts';
import { InputError } from '../errors.ts';
import { decodeMask } from '../pictures/mask.ts';
import { psnr } from '../pictures/psnr.ts';
import { decodePicture } from '../pictures/read.ts';
import { interleave, type Timing } from './timing.ts';

export const WHOLE_CASES = ['generate', 'dense', 'sparse'] as const;
export type WholeCase = (typeof WHOLE_CASES)[number];

export interface WholeRequest {
  engine: Engine;
  cases: readonly string[];
  /** What the picture shows, and what the edit paints. */
  prompt: string;
  editPrompt: string;
  width: number;
  height: number;
  steps?: number;
  seed: number;
  strength?: number;
  dilation?: number;
  model?: string;
  threads?: number;
  /** File bytes, white where edited. */
  mask: Uint8Array;
  /** Edits this picture instead of one generated from `prompt`. */
  image?: Uint8Array;
  repeat: number;
}

/** One case's figures from the call to the picture's bytes. */
export interface WholeRow extends Timing {
  case: WholeCase;
  macs: number;
  activeFraction: number[];
  /** Bytes of recorded features that the engine holds. */
  storeBytes: number;
  /** Median time of the first row over this one's. */
  speedup: number;
  /** Sparse against dense editing, in dB: under the mask, and over the whole picture. */
  psnr: number | null;
  psnrWhole: number | null;
}

export interface WholeReport {
  rows: WholeRow[];
  /** The pictures themselves: the original, then each case's. */
  pictures: Record<string, Uint8Array>;
}

/**
 * Compares drawing a picture, editing it densely and editing it sparsely with features recorded, interleaved in one
 * run. Every edit has another seed, so that nothing but the picture's own features is reused.
 */
export async function wholeBenchmark(
  request: WholeRequest,
  options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<WholeReport> {
  const { engine, prompt, editPrompt, width, height, seed, strength, dilation, mask, repeat } = request;
  const { signal } = options;
  const cases = request.cases.map(checkCase);
  const common = { model: request.model, steps: request.steps, threads: request.threads, previews: false };
  const drawing = { ...common, prompt, seed, width, height };
  const made = request.image ? undefined : await engine.generate({ ...drawing, remember: true }, { signal });
  const image = request.image ?? made!.picture.png;
  const edit = (mode: 'dense' | 'sparse', editSeed: number): Promise<EditResult> =>
    engine.edit(
      { ...common, prompt: editPrompt, image, mask, seed: editSeed, strength, dilation, mode },
      { signal },
    );
  let macs: Partial<Record<WholeCase, number>> = {};
  let activeFraction: number[] = [];
  let round = 0;
  const runs: Record<WholeCase, () => Promise<void>> = {
    generate: async () => {
      macs = { ...macs, generate: (await engine.generate(drawing, { signal })).macs };
    },
    dense: async () => {
      macs = { ...macs, dense: (await edit('dense', seed + round)).macs };
    },
    sparse: async () => {
      const result = await edit('sparse', seed + round);
      macs = { ...macs, sparse: result.macs };
      activeFraction = result.activeFraction;
    },
  };
  const timings = await interleave(
    cases.map((name) => ({ run: runs[name] })),
    repeat,
    {
      signal,
      onRound: (done) => {
        round = done + 1;
        options.onProgress?.(done, repeat);
      },
    },
  );
  const [dense, sparse] = [await edit('dense', seed), await edit('sparse', seed)];
  const [a, b] = await Promise.all(
    [dense, sparse].map(({ picture }) => decodePicture(picture.png, 'the picture')),
  );
  const inside = (await decodeMask(mask, 'The mask', b!)).mask;
  const { bytes } = await engine.store();
  const rows = cases.map((name, i) => ({
    case: name,
    macs: macs[name]!,
    activeFraction: name === 'sparse' ? activeFraction : [],
    storeBytes: bytes,
    ...timings[i]!,
    speedup: timings[0]!.medianSeconds / timings[i]!.medianSeconds,
    psnr: name === 'sparse' ? psnr(b!.pixels, a!.pixels, inside) : null,
    psnrWhole: name === 'sparse' ? psnr(b!.pixels, a!.pixels) : null,
  }));
  return { rows, pictures: { original: image, dense: dense.picture.png, sparse: sparse.picture.png } };
}

function checkCase(name: string): WholeCase {
  const known = WHOLE_CASES.find((other) => other === name);
  if (!known) throw new InputError(`Unknown case ${name} for whole edits; known: ${WHOLE_CASES.join(', ')}.`);
  return known;
}
