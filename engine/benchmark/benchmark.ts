import type { Precision } from '../api.ts';
import { InputError } from '../errors.ts';
import { countMacs } from '../graph/macs.ts';
import type { Model } from '../models/model.ts';
import { gaussianNoise } from '../pictures/noise.ts';
import { Components } from '../pipelines/components.ts';
import { listen } from '../pipelines/denoise.ts';
import { planarPredict } from '../pipelines/planar-unet.ts';
import { float32, type Runtime } from '../runtime/runtime.ts';
import { interleave, type Timing } from './timing.ts';

export const CASES = ['dense'] as const;
export type BenchmarkCase = (typeof CASES)[number];

export interface BenchmarkRequest {
  model: Model;
  cases: readonly string[];
  width: number;
  height: number;
  /** Timed runs of each case, after one for warming up. */
  repeat: number;
  threads?: number;
}

/** One case's figures; times and operation counts are of one U-Net run with guidance (batch 2). */
export interface BenchmarkRow extends Timing {
  case: BenchmarkCase;
  mode: 'dense';
  precision: Precision;
  workers: number;
  macs: number;
  loadSeconds: number;
  /** Most memory that the process held while this case loaded and ran, in bytes. */
  peakBytes: number;
  /** Median time of the first row over this one's. */
  speedup: number;
  /** Against the first row's output, in dB; null for the first row itself. */
  psnr: number | null;
}

export interface BenchmarkReport {
  model: string;
  width: number;
  height: number;
  threads: number;
  rows: BenchmarkRow[];
}

/** Runs the cases interleaved in one process, on noise: never on zeros. */
export async function benchmark(
  request: BenchmarkRequest,
  runtime: Runtime,
  options: { signal?: AbortSignal; onProgress?: (done: number, total: number) => void } = {},
): Promise<BenchmarkReport> {
  const { model, width, height, repeat } = request;
  const threads = request.threads ?? runtime.threads;
  const cases = request.cases.map(checkCase);
  const components = new Components(model, runtime, threads);
  try {
    const network = components.network('unet');
    const scale = model.autoencoder.scale;
    const extent = { height: height / scale, width: width / scale, batch: 2, tokens: 77 };
    const start = performance.now();
    const unet = await components.session('unet');
    const loadSeconds = (performance.now() - start) / 1000;

    const dims = [1, model.autoencoder.latentChannels, extent.height, extent.width];
    const noise = (stream: number, shape: readonly number[]) =>
      gaussianNoise(
        1,
        stream,
        shape.reduce((a, b) => a * b, 1),
      );
    const text = network.inputs.get('encoder_hidden_states')!;
    if (text.kind !== 'tokens') throw new Error('the U-Net takes no text');
    const textDims = [extent.batch, extent.tokens, text.channels];
    const extra = Object.fromEntries(
      [...network.inputs]
        .filter(([name, value]) => value.kind === 'vector' && name !== 'timestep')
        .map(([name, value], i) => {
          const shape = [extent.batch, value.kind === 'vector' ? value.channels : 0];
          return [name, float32(noise(2 + i, shape), shape)];
        }),
    );
    const condition = { text: float32(noise(1, textDims), textDims), guidance: 7.5, extra };
    const sample = noise(0, dims);
    const predict = planarPredict(unet, { timesteps: [500] }, dims.slice(1), condition);
    const run = async () => {
      await listen(options.signal);
      await predict(sample, 0);
    };
    const timings = await interleave(
      cases.map(() => ({ run })),
      repeat,
      { signal: options.signal, onRound: (round) => options.onProgress?.(round, repeat) },
    );
    const macs = countMacs(network, extent).total;
    const rows = cases.map((name, i) => ({
      case: name,
      mode: 'dense' as const,
      precision: 'fp32' as const,
      workers: 1,
      macs,
      loadSeconds,
      peakBytes: runtime.peakBytes(),
      ...timings[i]!,
      speedup: timings[0]!.medianSeconds / timings[i]!.medianSeconds,
      psnr: null,
    }));
    return { model: model.name, width, height, threads, rows };
  } finally {
    await components.release();
  }
}

function checkCase(name: string): BenchmarkCase {
  const known = CASES.find((other) => other === name);
  if (!known) throw new InputError(`Unknown benchmark case ${name}; known: ${CASES.join(', ')}.`);
  return known;
}
