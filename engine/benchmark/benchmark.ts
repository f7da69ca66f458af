import type { Precision } from '../api.ts';
import { InputError } from '../errors.ts';
import type { Model } from '../models/model.ts';
import { Components } from '../pipelines/components.ts';
import type { Storage } from '../regions/features.ts';
import type { Mask } from '../regions/mask.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { interleave, type Timing } from './timing.ts';
import { denseStep, rowsStep, StepInputs, type UNetStep } from './unet-step.ts';

/**
 * `dense`: the planar network, the baseline. `rows`: the same in rows form. `sparse`: rows of the mask only, with
 * features recorded as bytes; `sparse-exact`: as float32.
 */
export const CASES = ['dense', 'rows', 'sparse', 'sparse-exact'] as const;
export type BenchmarkCase = (typeof CASES)[number];

export interface NamedMask {
  name: string;
  /** At latent size. */
  mask: Mask;
}

export interface BenchmarkRequest {
  model: Model;
  cases: readonly string[];
  width: number;
  height: number;
  /** The sparse cases run once for each. */
  masks?: readonly NamedMask[];
  /** Timed runs of each case, after one for warming up. */
  repeat: number;
  threads?: number;
}

/** One case's figures, of one U-Net run with guidance (batch 2). */
export interface BenchmarkRow extends Timing {
  case: BenchmarkCase;
  /** The mask's name, for a sparse case. */
  mask: string | null;
  mode: 'dense' | 'sparse';
  precision: Precision;
  workers: number;
  macs: number;
  activeFraction: number[];
  loadSeconds: number;
  /** Bytes of recorded features for this step. */
  storeBytes: number;
  /** Most memory that the process has held up to the end of the run, all cases together, in bytes. */
  peakBytes: number;
  /** Median time of the first row over this one's. */
  speedup: number;
  /** Against the planar dense output on the same input, under the mask for a sparse case, in dB; null without it. */
  psnr: number | null;
}

export interface BenchmarkReport {
  model: string;
  width: number;
  height: number;
  threads: number;
  rows: BenchmarkRow[];
}

const STORAGE: Readonly<Record<'rows' | 'sparse' | 'sparse-exact', Storage>> = {
  rows: 'int8',
  sparse: 'int8',
  'sparse-exact': 'float32',
};

/** Runs the cases interleaved in one process. */
export async function benchmark(
  request: BenchmarkRequest,
  runtime: Runtime,
  options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<BenchmarkReport> {
  const { model, width, height, repeat, masks = [] } = request;
  const threads = request.threads ?? runtime.threads;
  const runs = request.cases.map(checkCase).flatMap((name): { name: BenchmarkCase; mask?: NamedMask }[] => {
    if (!name.startsWith('sparse')) return [{ name }];
    if (masks.length === 0) throw new InputError(`The case ${name} needs a mask: give --mask.`);
    return masks.map((mask) => ({ name, mask }));
  });
  const components = new Components(model, runtime, threads);
  try {
    const steps: UNetStep[] = [];
    const inputs: StepInputs[] = [];
    for (const { name, mask } of runs) {
      options.signal?.throwIfAborted();
      const own = new StepInputs(components, { height, width }, mask?.mask);
      inputs.push(own);
      if (name === 'dense') steps.push(await denseStep(components, own));
      else steps.push(await rowsStep(components, own, { mask: mask?.mask, storage: STORAGE[name] }));
    }
    const outputs: Float32Array[] = [];
    const timings = await interleave(
      steps.map(({ run }, i) => ({
        run: async () => {
          outputs[i] = await run();
        },
      })),
      repeat,
      { signal: options.signal, onRound: (round) => options.onProgress?.(round, repeat) },
    );
    const hasBaseline = runs.some(({ name }) => name === 'dense');
    const rows: BenchmarkRow[] = [];
    for (const [i, { name, mask }] of runs.entries()) {
      const { macs, loadSeconds, storeBytes, activeFraction } = steps[i]!;
      let psnr: number | null = null;
      if (hasBaseline && name !== 'dense') {
        const baseline = await denseStep(components, inputs[i]!);
        psnr = decibels(outputs[i]!, await baseline.run(), mask?.mask);
      }
      rows.push({
        case: name,
        mask: mask?.name ?? null,
        mode: name.startsWith('sparse') ? 'sparse' : 'dense',
        precision: 'fp32',
        workers: 1,
        macs,
        activeFraction,
        loadSeconds,
        storeBytes,
        peakBytes: runtime.peakBytes(),
        ...timings[i]!,
        speedup: timings[0]!.medianSeconds / timings[i]!.medianSeconds,
        psnr,
      });
    }
    return { model: model.name, width, height, threads, rows };
  } finally {
    await components.release();
  }
}

/** Peak signal-to-noise ratio of network outputs [C, H, W], the peak being the range of the reference. */
function decibels(output: Float32Array, reference: Float32Array, mask?: Mask): number {
  let [low, high, squares, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  const positions = mask?.data.length ?? reference.length;
  for (const [i, value] of reference.entries()) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    if (mask && !mask.data[i % positions]) continue;
    squares += (output[i]! - value) ** 2;
    count++;
  }
  return 10 * Math.log10((high - low) ** 2 / (squares / count));
}

function checkCase(name: string): BenchmarkCase {
  const known = CASES.find((other) => other === name);
  if (!known) throw new InputError(`Unknown benchmark case ${name}; known: ${CASES.join(', ')}.`);
  return known;
}
