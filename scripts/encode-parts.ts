// What encoding only the changed part of a picture costs, and how far it is from encoding all of it, for several margins.
// node --import tsx scripts/encode-parts.ts SEGMENTER PICTURE OTHER_PICTURE [MARGINS [REPEAT]]
// SEGMENTER is a segmenter's folder, or l0 … xl1: EfficientViT-SAM with synthetic weights. A square of a twentieth of the
// first picture is replaced by that of the second, in the middle.
import path from 'node:path';
import { cacheFolder } from '../engine/cache-folder.ts';
import { countMacs } from '../engine/graph/macs.ts';
import { weightsOf } from '../engine/graph/network.ts';
import { lowerParts, lowerRecording } from '../engine/lowering/parts.ts';
import { lowerPlanar } from '../engine/lowering/planar.ts';
import { samConfig } from '../engine/models/efficientvit.ts';
import { openSegmenterFolder } from '../engine/models/vision-folder.ts';
import { samEncoder } from '../engine/networks/efficientvit-heads.ts';
import { maskDecoder } from '../engine/networks/mask-decoder.ts';
import { readPicture } from '../engine/pictures/read.ts';
import { PartNetwork } from '../engine/pipelines/part-network.ts';
import { normalizedPlanes, resizePicture } from '../engine/pipelines/segment/input.ts';
import { maskFromLogits, overlapOf } from '../engine/pipelines/segment/masks.ts';
import { decodedFrom } from '../engine/pipelines/segment/segmenter.ts';
import { anchorsOf } from '../engine/regions/anchors.ts';
import { NodeRuntime } from '../engine/runtime/node/runtime.ts';
import { float32, floats, int64 } from '../engine/runtime/runtime.ts';
import { syntheticWeights } from '../engine/weights/synthetic.ts';
import { WeightTable } from '../engine/weights/table.ts';

const [name, first, second, margins = '0,1,2,3,4,5', repeat = '5'] = process.argv.slice(2);
if (!name || !first || !second) throw new Error('give a segmenter and two pictures');
const published = /^x?l\d$/.test(name);
const folder = published ? undefined : await openSegmenterFolder(name);
const { input, encoder, decoder } = folder?.config ?? samConfig(name);
const networks = { encoder: samEncoder(encoder), decoder: maskDecoder(decoder, { refine: false }) };
const weights = await (folder?.weights() ??
  syntheticWeights(Object.values(networks).flatMap(weightsOf), {
    seed: 1,
    folder: path.join(cacheFolder(), 'synthetic'),
  }));
const runtime = new NodeRuntime();
const load = (model: Parameters<NodeRuntime['load']>[0]) => runtime.load(model, { threads: runtime.threads });
const table = new WeightTable(networks.encoder, weights);
const anchors = anchorsOf(networks.encoder);
const dense = await load(lowerPlanar(networks.encoder, table));
const masks = await load(lowerPlanar(networks.decoder, new WeightTable(networks.decoder, weights)));
const [whole, part] = [
  await load(lowerRecording(networks.encoder, table, anchors)),
  await load(lowerParts(networks.encoder, table, anchors)),
];
const parts = new PartNetwork(networks.encoder, { whole: async () => whole, part: async () => part });

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

/** The candidates' masks for a grid of clicks. */
async function clicked(embedding: Float32Array) {
  const side = Math.sqrt(embedding.length / decoder.channels);
  const found = [];
  for (const share of [0.15, 0.35, 0.5, 0.65, 0.85]) {
    const at = share * decoder.frame;
    const outputs = await masks.run({
      image_embeddings: float32(embedding, [1, decoder.channels, side, side]),
      point_coords: float32(Float32Array.of(at, at, 0, 0), [1, 2, 2]),
      point_labels: int64(BigInt64Array.of(1n, -1n), [1, 2]),
    });
    const { candidates } = decodedFrom(floats(outputs, 'masks'), floats(outputs, 'iou_predictions'), 0);
    for (const { logits } of candidates) found.push(maskFromLogits(logits, 4 * side, decoder.frame, square));
  }
  return found;
}

const encode = async () =>
  floats(await dense.run({ input_image: float32(edited, [1, 3, size, size]) }), 'image_embeddings');
const anew = await encode();
const anewMasks = await clicked(anew);
const extent = { height: size, width: size, batch: 1, tokens: 0 };
const { total } = countMacs(networks.encoder, extent);
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
const timed = async (work: () => Promise<unknown>) => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

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
  const { y, x } = plan.boxes.get([...networks.encoder.outputs.values()][0]!.id)!;
  const side = Math.sqrt(anew.length / encoder.channels);
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
for (const session of [dense, masks, whole, part]) await session.release();
