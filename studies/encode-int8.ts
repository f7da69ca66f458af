import { NodeBackend } from '../engine/backends/node/backend.ts';
import { interleave } from '../engine/benchmark/timing.ts';
import type { Program } from '../engine/execution/backend.ts';
import { float32, floats } from '../engine/graph/tensor.ts';
import { readPicture } from '../engine/pictures/read.ts';
import { normalizedPlanes, resizePicture } from '../engine/pipelines/segment/input.ts';
import { overlapOf } from '../engine/pipelines/segment/masks.ts';
import { quantizeConvolutions } from '../engine/quantization/convolutions.ts';
import { byDefault, study, table, text, whole } from './frame.ts';
import { mean, milliseconds, percent } from './support/figures.ts';
import { openNetworks } from './support/segmenters.ts';

await study(
  {
    about:
      'How much faster an int8 image encoder of a segmenter is, and how far its masks are from those of float32. ' +
      'Calibrated with the first image, measured on the second.',
    arguments: {
      segmenter: text('a segmenter folder, or l0 … xl1: EfficientViT-SAM with synthetic weights'),
      first: text('an image'),
      second: text('another image'),
    },
    options: { repeat: byDefault(whole('timed runs of each', 1), 9) },
  },
  async ({ segmenter, first, second, repeat }) => {
    const { config, encoder, table: weights, compile, clicked, release } = await openNetworks(segmenter);
    const { size } = config.input;
    const inputOf = async (file: string) => {
      const pixels = await resizePicture(await readPicture(file), { width: size, height: size });
      return { input_image: float32(normalizedPlanes(pixels, config.input), [1, 3, size, size]) };
    };
    const ranges = await compile({ kind: 'ranges' });
    const observed = await ranges.run(await inputOf(first));
    const bytes = await quantizeConvolutions(
      encoder,
      weights,
      [observed],
      await new NodeBackend().largestInt8(),
    );
    await ranges.release();
    const exact = await compile();
    const quantized = await compile({ kind: 'bytes', bytes });
    const input = await inputOf(second);
    const embed = async (program: Program) => floats(await program.run(input), 'image_embeddings');

    const [wanted, given] = [await embed(exact), await embed(quantized)];
    const squares = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0);
    const error = Math.sqrt(squares(given.map((value, i) => value - wanted[i]!)) / squares(wanted));
    const other = await clicked(wanted);
    const overlaps = (await clicked(given)).map((mask, i) => overlapOf(mask, other[i]!));
    const timings = await interleave(
      [exact, quantized].map((program) => ({ run: async () => void (await embed(program)) })),
      repeat,
    );
    const [slow, fast] = timings.map(({ medianSeconds }) => medianSeconds) as [number, number];
    const row = table(
      '',
      'median',
      'fastest',
      'times faster',
      'embedding, rms error',
      'mask IoU, mean',
      'least',
    );
    const times = timings.map((of) => [milliseconds(of.medianSeconds), milliseconds(of.minSeconds)]);
    row(`${segmenter}, float32`, ...times[0]!, '', '', '', '');
    const agreement = [mean(overlaps), Math.min(...overlaps)].map((overlap) => overlap.toFixed(3));
    row(`${segmenter}, int8`, ...times[1]!, (slow / fast).toFixed(2), percent(error), ...agreement);
    for (const program of [exact, quantized]) await program.release();
    await release();
  },
);
