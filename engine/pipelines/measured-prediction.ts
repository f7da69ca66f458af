import { cacheFolder, fs, path, sha256 } from '#host';
import type { PredictionType } from '../../shared/api.ts';
import type { Backend, Program } from '../execution/backend.ts';
import { denoiserInputs, needsOf, OUTPUT } from '../execution/denoiser-inputs.ts';
import { PLANAR } from '../execution/forms/form.ts';
import { predictDenoiser } from '../execution/memory-plan.ts';
import { float32, floats } from '../graph/tensor.ts';
import { readOptionalText } from '../json.ts';
import type { DiffusionModel } from '../models/diffusion-model.ts';
import { CLIP_TOKENS } from '../networks/clip-text.ts';
import { gaussianNoise } from '../noise.ts';
import { WeightTable } from '../weights/weight-table.ts';

/** Latent positions along a side: enough to tell the two apart. */
const SIDE = 16;
/** At the last timestep of training the sample is almost only noise. */
const TIMESTEP = 999;
/** A network that predicts noise gives most of it back; one that predicts the velocity gives minus the image. */
const LEAST_CORRELATION = 0.5;

/**
 * Finds out what the U-Net of a model predicts that does not say so, by a run on noise. The result is kept for the
 * file.
 * @returns the model, and a sentence for the user
 */
export async function withMeasuredPrediction(
  model: DiffusionModel,
  backend: Backend,
  threads: number,
): Promise<{ model: DiffusionModel; note: string }> {
  const network = model.network('denoiser');
  const extent = { width: SIDE, height: SIDE, batch: 1, tokens: CLIP_TOKENS };
  const { total } = predictDenoiser(network, extent, { precision: 'fp32', rows: false });
  const override = 'The option --prediction or the setting patchwork.prediction says it instead.';
  const source = await model.weights('denoiser');
  const [file = ''] = [...source.names()].slice(0, 1).map((name) => source.find(name)!.file);
  const kept = await keptAt(file);
  let correlation = Number((await readOptionalText(kept, 64).catch(() => undefined)) ?? Number.NaN);
  if (Number.isNaN(correlation)) {
    if (total > backend.availableBytes())
      return {
        model,
        note: `${model.name} does not say what its U-Net predicts, and memory is too short to find out: the velocity is assumed. ${override}`,
      };
    const program = await backend.compile(network, new WeightTable(network, source), PLANAR, { threads });
    try {
      correlation = await correlationWithNoise(model, program);
    } finally {
      await program.release();
    }
    await keep(kept, correlation);
  }
  const prediction: PredictionType = correlation >= LEAST_CORRELATION ? 'epsilon' : 'v_prediction';
  const what = prediction === 'epsilon' ? 'the noise' : 'the velocity';
  return {
    model: model.withPrediction(prediction),
    note: `${model.name} does not say what its U-Net predicts. Given noise, its answer has a correlation of ${correlation.toFixed(2)} with it, so ${what} is assumed. ${override}`,
  };
}

async function correlationWithNoise(model: DiffusionModel, program: Program): Promise<number> {
  const needs = needsOf(model.network('denoiser'));
  const { latentChannels } = model.autoencoder;
  const positions = SIDE * SIDE;
  const noise = gaussianNoise(1, 0, latentChannels * positions);
  const sample = new Float32Array(needs.channels * positions);
  sample.set(noise);
  // The further planes of an inpainting model: everything is masked, and nothing is known.
  sample.fill(1, noise.length, Math.min(sample.length, noise.length + positions));
  const text = float32(new Float32Array(CLIP_TOKENS * needs.text), [1, CLIP_TOKENS, needs.text]);
  const outputs = await program.run(
    denoiserInputs(sample, [needs.channels, SIDE, SIDE], TIMESTEP, { text, guidance: 1 }),
  );
  return correlationOf(noise, floats(outputs, OUTPUT));
}

/** Pearson's correlation, 0 where one side is constant. */
function correlationOf(a: Float32Array, b: Float32Array): number {
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]! - meanA, b[i]! - meanB];
    both += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return both / Math.sqrt(squaresA * squaresB) || 0;
}

async function keptAt(file: string): Promise<string> {
  const { size, mtimeMs } = await fs.stat(file);
  const key = sha256().update([file, size, mtimeMs].join('\n')).hex();
  return path.join(cacheFolder(), 'predictions', key);
}

/** Where the cache folder cannot be written, it is measured again. */
async function keep(file: string, correlation: number): Promise<void> {
  try {
    await fs.mkdir(path.dirname(file));
    await fs.writeAtomically(file, (writer) => writer.write(String(correlation)));
  } catch {
    // Read-only, or full.
  }
}
