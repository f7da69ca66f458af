// How much faster an int8 encoder is, and how far its masks are from those of float32.
// node --import tsx scripts/encode-int8.ts SEGMENTER PICTURE OTHER_PICTURE [REPEAT]
// SEGMENTER is a segmenter's folder, or l0 … xl1: EfficientViT-SAM with synthetic weights. It is calibrated by the first
// picture and measured on the second.
import { median } from '../engine/benchmark/timing.ts';
import { lowerInt8, lowerRanges } from '../engine/execution/lowering/int8.ts';
import { lowerPlanar } from '../engine/execution/lowering/planar.ts';
import type { Session } from '../engine/execution/runtime.ts';
import { float32, floats } from '../engine/graph/tensor.ts';
import { NodeRuntime } from '../engine/host/node/runtime.ts';
import { readPicture } from '../engine/pictures/read.ts';
import { normalizedPlanes, resizePicture } from '../engine/pipelines/segment/input.ts';
import { overlapOf } from '../engine/pipelines/segment/masks.ts';
import { quantizeConvolutions } from '../engine/quantization/convolutions.ts';
import { largestInt8 } from '../engine/quantization/self-check.ts';
import { openNetworks, timed } from './segmenters.ts';

const [name, first, second, repeat = '9'] = process.argv.slice(2);
if (!name || !first || !second) throw new Error('give a segmenter and two pictures');
const { config, encoder, table, load, clicked, release } = await openNetworks(name);
const { size } = config.input;
const inputOf = async (file: string) => {
  const pixels = await resizePicture(await readPicture(file), { width: size, height: size });
  return { input_image: float32(normalizedPlanes(pixels, config.input), [1, 3, size, size]) };
};
const ranges = await load(lowerRanges(encoder, table));
const observed = await ranges.run(await inputOf(first));
const bytes = await quantizeConvolutions(encoder, table, [observed], await largestInt8(new NodeRuntime()));
await ranges.release();
const exact = await load(lowerPlanar(encoder, table));
const quantized = await load(lowerInt8(encoder, table, bytes));
const input = await inputOf(second);
const embed = async (session: Session) => floats(await session.run(input), 'image_embeddings');

const [wanted, given] = [await embed(exact), await embed(quantized)];
const squares = (values: Float32Array) => values.reduce((sum, value) => sum + value ** 2, 0);
const error = Math.sqrt(squares(given.map((value, i) => value - wanted[i]!)) / squares(wanted));
const other = await clicked(wanted);
const overlaps = (await clicked(given)).map((mask, i) => overlapOf(mask, other[i]!));
const times = { exact: [] as number[], quantized: [] as number[] };
for (let i = 0; i < Number(repeat); i++) {
  times.exact.push(await timed(() => embed(exact)));
  times.quantized.push(await timed(() => embed(quantized)));
}
const [slow, fast] = [median(times.exact), median(times.quantized)];
const mean = overlaps.reduce((a, b) => a + b, 0) / overlaps.length;
console.log(
  `${name}: float32 ${slow.toFixed(0)} ms (${Math.min(...times.exact).toFixed(0)}), int8 ${fast.toFixed(0)} ms (${Math.min(...times.quantized).toFixed(0)}), ${(slow / fast).toFixed(2)} times faster; embedding ${(100 * error).toFixed(1)} % off (rms), mask IoU ${mean.toFixed(3)} on average, ${Math.min(...overlaps).toFixed(3)} at least`,
);
for (const session of [exact, quantized]) await session.release();
await release();
