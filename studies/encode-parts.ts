import { interleave } from '../engine/benchmark/timing.ts';
import { PartNetwork, type PartRecord } from '../engine/execution/parts/part-network.ts';
import { countMacs } from '../engine/graph/macs.ts';
import { float32, floats } from '../engine/graph/tensor.ts';
import { readPicture } from '../engine/pictures/read.ts';
import { normalizedPlanes, resizePicture } from '../engine/pipelines/segment/input.ts';
import { overlapOf } from '../engine/pipelines/segment/masks.ts';
import { anchorsOf } from '../engine/regions/anchors.ts';
import type { Box } from '../engine/regions/box.ts';
import { byDefault, study, table, text, whole, wholes } from './frame.ts';
import { gigaMacs, milliseconds } from './support/figures.ts';
import { openNetworks } from './support/segmenters.ts';

/** The share of the image that changes. */
const CHANGED = 0.05;

await study(
  {
    about:
      'What encoding only the changed part of an image costs a segmenter, and how far it is from encoding all of it. ' +
      'A square of a twentieth of the first image is replaced by the same part of the second, in the middle.',
    arguments: {
      segmenter: text('a segmenter folder, or l0 … xl1: EfficientViT-SAM with synthetic weights'),
      first: text('an image'),
      second: text('another image'),
    },
    options: {
      margins: byDefault(
        wholes('margins around the change, in positions of the embedding'),
        [0, 1, 2, 3, 4, 5],
      ),
      repeat: byDefault(whole('timed runs of each', 1), 5),
    },
  },
  async ({ segmenter, first, second, margins, repeat }) => {
    const { config, encoder, compile, clicked, release } = await openNetworks(segmenter);
    const { input } = config;
    const { size } = input;
    const anchors = anchorsOf(encoder);
    const dense = await compile();
    const recording = await compile({ kind: 'recording', anchors });
    const partial = await compile({ kind: 'parts', anchors });
    const parts = new PartNetwork(encoder, { whole: async () => recording, part: async () => partial });

    const edge = Math.round(size * Math.sqrt(CHANGED));
    const corner = Math.round((size - edge) / 2);
    const changed = { y: { from: corner, to: corner + edge }, x: { from: corner, to: corner + edge } };
    const [before, after] = await imagesOf(first, second, size, changed);
    const [old, edited] = [normalizedPlanes(before, input), normalizedPlanes(after, input)];
    const encode = async () =>
      floats(await dense.run({ input_image: float32(edited, [1, 3, size, size]) }), 'image_embeddings');
    const exact = await encode();
    const exactMasks = await clicked(exact);
    const { total } = countMacs(encoder, { height: size, width: size, batch: 1, tokens: 0 });
    console.log(
      `${segmenter}, ${size}×${size}: ${gigaMacs(total, 1)} MACs, ${edge}×${edge} pixels changed\n`,
    );
    const row = table(
      ...['margin', 'MACs', 'whole', 'part', 'times faster', 'recording'],
      ...['outside: rms', 'largest', 'inside: rms', 'mask IoU, least'],
    );
    for (const margin of margins) {
      const plan = parts.plan(size, changed, margin);
      let record: PartRecord;
      const timings = await interleave(
        [
          { run: async () => void (await encode()) },
          {
            run: async () => {
              ({ record } = await parts.whole(old, size));
            },
          },
          { run: async () => void (await parts.part(edited, plan, record)) },
        ],
        repeat,
      );
      const [slow, recorded, fast] = timings.map(({ medianSeconds }) => medianSeconds) as [
        number,
        number,
        number,
      ];
      const embedding = parts.outputIn(record!);
      const box = plan.boxes.get([...encoder.outputs.values()][0]!.id)!;
      const { inside, outside } = errorsOf(embedding, exact, config.encoder.channels, box);
      const overlaps = (await clicked(embedding)).map((mask, i) => overlapOf(mask, exactMasks[i]!));
      row(
        margin,
        `${gigaMacs(plan.macs)} (${(total / plan.macs).toFixed(1)}×)`,
        milliseconds(slow),
        milliseconds(fast),
        `${(slow / fast).toFixed(1)}×`,
        milliseconds(recorded),
        outside.rms.toExponential(1),
        outside.largest.toExponential(1),
        inside.rms.toExponential(1),
        Math.min(...overlaps).toFixed(4),
      );
    }
    for (const program of [dense, recording, partial]) await program.release();
    await release();
  },
);

/** The first image in this size, and the same with the second one's pixels in a rectangle. */
async function imagesOf(first: string, second: string, size: number, { y, x }: Box) {
  const square = { width: size, height: size };
  const before = await resizePicture(await readPicture(first), square);
  const other = await resizePicture(await readPicture(second), square);
  const after = { ...before, data: Uint8Array.from(before.data) };
  for (let row = y.from; row < y.to; row++) {
    const from = 3 * (row * size + x.from);
    after.data.set(other.data.subarray(from, from + 3 * (x.to - x.from)), from);
  }
  return [before, after] as const;
}

/**
 * Root mean square of the error as a share of the embedding's, and the largest error as a share of its largest value,
 * inside and outside a rectangle. Embeddings are [C, side, side].
 */
function errorsOf(embedding: Float32Array, exact: Float32Array, channels: number, { y, x }: Box) {
  const side = Math.sqrt(exact.length / channels);
  const peak = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const sums = {
    inside: { errors: 0, values: 0, largest: 0 },
    outside: { errors: 0, values: 0, largest: 0 },
  };
  for (const [i, value] of exact.entries()) {
    const [row, column] = [Math.floor(i / side) % side, i % side];
    const isInside = row >= y.from && row < y.to && column >= x.from && column < x.to;
    const sum = sums[isInside ? 'inside' : 'outside'];
    const difference = Math.abs(embedding[i]! - value);
    sum.errors += difference ** 2;
    sum.values += value ** 2;
    sum.largest = Math.max(sum.largest, difference / peak);
  }
  const figures = ({ errors, values, largest }: (typeof sums)['inside']) => ({
    rms: Math.sqrt(errors / values),
    largest,
  });
  return { inside: figures(sums.inside), outside: figures(sums.outside) };
}
