// What encoding only the changed part of a picture costs, and how far it is from encoding all of it, for several margins.
// node --import tsx scripts/encode-parts.ts SEGMENTER PICTURE OTHER_PICTURE [MARGINS [REPEAT]]
// SEGMENTER is a segmenter's folder, or l0 … xl1: EfficientViT-SAM with synthetic weights. A square of a twentieth of the
// first picture is replaced by that of the second, in the middle.
import { median } from '../engine/benchmark/timing.ts';
import { lowerParts, lowerRecording } from '../engine/execution/lowering/parts.ts';
import { lowerPlanar } from '../engine/execution/lowering/planar.ts';
import { PartNetwork } from '../engine/execution/part-network.ts';
import { countMacs } from '../engine/graph/macs.ts';
import { float32, floats } from '../engine/graph/tensor.ts';
import { readPicture } from '../engine/pictures/read.ts';
import { normalizedPlanes, resizePicture } from '../engine/pipelines/segment/input.ts';
import { overlapOf } from '../engine/pipelines/segment/masks.ts';
import { anchorsOf } from '../engine/regions/anchors.ts';
import { openNetworks, timed } from './segmenters.ts';

const [name, first, second, margins = '0,1,2,3,4,5', repeat = '5'] = process.argv.slice(2);
if (!name || !first || !second) throw new Error('give a segmenter and two pictures');
const { config, encoder, table, load, clicked, release } = await openNetworks(name);
const { input } = config;
const anchors = anchorsOf(encoder);
const dense = await load(lowerPlanar(encoder, table));
const [whole, part] = [
  await load(lowerRecording(encoder, table, anchors)),
  await load(lowerParts(encoder, table, anchors)),
];
const parts = new PartNetwork(encoder, { whole: async () => whole, part: async () => part });

const { size } = input;
const square = { width: size, height: size };
const before = await resizePicture(await readPicture(first), square);
const other = await resizePicture(await readPicture(second), square);
const edge = Math.round(size * Math.sqrt(0.05));
const corner = Math.round((size - edge) / 2);
const changed = { y: { from: corner, to: corner + edge }, x: { from: corner, to: corner + edge } };
const after = { ...before, data: Uint8Array.from(before.data) };
for (let y = corner; y < corner + edge; y++) {
  const row = 3 * (y * size + corner);
  after.data.set(other.data.subarray(row, row + 3 * edge), row);
}
const [old, edited] = [normalizedPlanes(before, input), normalizedPlanes(after, input)];

const encode = async () =>
  floats(await dense.run({ input_image: float32(edited, [1, 3, size, size]) }), 'image_embeddings');
const anew = await encode();
const anewMasks = await clicked(anew);
const extent = { height: size, width: size, batch: 1, tokens: 0 };
const { total } = countMacs(encoder, extent);
console.log(`${name}, ${size}×${size}: ${(total / 1e9).toFixed(1)} GMACs, ${edge}×${edge} pixels changed\n`);
console.log(
  '| margin | MACs | anew | part | ratio | recording | outside: rms | largest | inside: rms | mask IoU, least |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const margin of margins.split(',').map(Number)) {
  const plan = parts.plan(size, changed, margin);
  const times = { anew: [] as number[], record: [] as number[], part: [] as number[] };
  let embedding = anew;
  for (let i = 0; i <= Number(repeat); i++) {
    const { record } = await parts.whole(old, size);
    const round = {
      anew: await timed(encode),
      record: await timed(() => parts.whole(old, size)),
      part: await timed(() => parts.part(edited, plan, record)),
    };
    embedding = parts.outputIn(record);
    // The first round warms up.
    if (i > 0) for (const key of ['anew', 'record', 'part'] as const) times[key].push(round[key]);
  }
  const { y, x } = plan.boxes.get([...encoder.outputs.values()][0]!.id)!;
  const side = Math.sqrt(anew.length / config.encoder.channels);
  const sums = { inside: [0, 0, 0], outside: [0, 0, 0] } as Record<
    'inside' | 'outside',
    [number, number, number]
  >;
  const largest = anew.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  for (const [i, value] of anew.entries()) {
    const [row, column] = [Math.floor(i / side) % side, i % side];
    const isInside = row >= y.from && row < y.to && column >= x.from && column < x.to;
    const sum = sums[isInside ? 'inside' : 'outside'];
    const difference = Math.abs(embedding[i]! - value);
    sum[0] += difference ** 2;
    sum[1] += value ** 2;
    sum[2] = Math.max(sum[2], difference / largest);
  }
  const rms = ([errors, values]: [number, number, number]) => Math.sqrt(errors / values).toExponential(1);
  const overlaps = (await clicked(embedding)).map((mask, i) => overlapOf(mask, anewMasks[i]!));
  const [slow, record, fast] = [median(times.anew), median(times.record), median(times.part)];
  const cells = [
    margin,
    `${(plan.macs / 1e9).toFixed(2)} G (${(total / plan.macs).toFixed(1)}×)`,
    `${slow.toFixed(0)} ms`,
    `${fast.toFixed(0)} ms`,
    `${(slow / fast).toFixed(1)}×`,
    `${record.toFixed(0)} ms`,
    rms(sums.outside),
    sums.outside[2].toExponential(1),
    rms(sums.inside),
    Math.min(...overlaps).toFixed(4),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
for (const session of [dense, whole, part]) await session.release();
await release();
