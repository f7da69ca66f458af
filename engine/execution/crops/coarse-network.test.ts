import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { NodeBackend } from '../../backends/node/backend.ts';
import { gaussianNoise } from '../../noise.ts';
import { signalToNoise } from '../../numbers.ts';
import { quantize } from '../../quantization/quantize.ts';
import { type Box, fullBox, positionsIn, scaled } from '../../regions/box.ts';
import { coarsePartsOf } from '../../regions/coarse-parts.ts';
import { planCoarse } from '../../regions/coarse-plan.ts';
import { planCrop } from '../../regions/crop.ts';
import { coarsestLevel } from '../../regions/reach.ts';
import type { RecordedRows } from '../../regions/recorded.ts';
import { stagesOf } from '../../regions/stages.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import type { Program } from '../backend.ts';
import { autoencoderComponents } from '../testing.ts';
import { CoarseNetwork } from './coarse-network.ts';
import { CropNetwork } from './crop-network.ts';
import { cutPlanes, onlyMap } from './planes.ts';

const backend = new NodeBackend(1);
const parity = path.join(import.meta.dirname, '../../..', 'test', 'fixtures', 'parity');
const FOLDERS = ['tiny-sana', 'tiny-dc-ae/mixed', 'tiny-dc-ae/f32c32-in'];
const loaded: Program[] = [];
after(() => Promise.all(loaded.map((program) => program.release())));

/** The coarse stages of a decoder, in float32 or in bytes. */
async function stagesIn(folder: string, precision: 'fp32' | 'int8') {
  const { model } = autoencoderComponents(path.join(parity, folder, 'vae'));
  const network = model.network('vae-decoder');
  const { scale } = model.autoencoder;
  const exact = new WeightTable(network, await model.weights('vae-decoder'));
  const most = await backend.largestInt8();
  const rounded = { network, weights: exact, precision, most, folder: await temporaryFolder() } as const;
  const weights = precision === 'int8' ? await quantize({ ...rounded, precision }) : exact;
  const coarse = stagesOf(network).coarse!;
  const parts = coarsePartsOf(coarse)!;
  const [whole, part] = [
    await backend.compile(coarse, weights, { kind: 'coarse-recording', parts }),
    await backend.compile(coarse, weights, { kind: 'coarse-part', parts }),
  ];
  loaded.push(whole, part);
  const stages = new CoarseNetwork(coarse, parts, { whole: async () => whole, part: async () => part });
  return {
    stages,
    weights,
    network,
    input: onlyMap(coarse.inputs).value,
    output: onlyMap(coarse.outputs).value,
    extentOf: (height: number, width: number) => ({
      height: scale * height,
      width: scale * width,
      batch: 1,
      tokens: 0,
    }),
    planOf: (extent: { height: number; width: number; batch: number; tokens: number }, box: Box) =>
      planCoarse(coarse, parts, extent, box),
  };
}

const spans = fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 4 }));
const within = (side: number, [start, length]: readonly [number, number]) => {
  const from = start % side;
  return { from, to: Math.min(side, from + length) };
};

/** `latent` with a rectangle of another. */
function replaced(latent: Float32Array, other: Float32Array, box: Box, grid: [number, number]): Float32Array {
  const [height, width] = grid;
  const result = Float32Array.from(latent);
  for (const position of positionsIn(box, width))
    for (let i = position; i < latent.length; i += height * width) result[i] = other[i]!;
  return result;
}

const largest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

for (const folder of FOLDERS)
  test(`coarse stages of ${folder}: edits leave rows and sums from which everything is what it was`, async () => {
    const { stages, input, output, extentOf, planOf } = await stagesIn(folder, 'fp32');
    const sides = fc.integer({ min: 1, max: 9 });
    const edits = fc.array(fc.tuple(spans, spans), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(sides, sides, edits, async (height, width, boxes) => {
        const extent = extentOf(height, width);
        const noise = (seed: number) => gaussianNoise(seed, 0, input.channels * height * width);
        let latent = noise(1);
        const { planes, record: first } = await stages.whole(latent, extent);
        let record = first;
        for (const [i, [y, x]] of boxes.entries()) {
          const box = { y: within(height, y), x: within(width, x) };
          const same = await stages.part(latent, planOf(extent, box), record);
          if (i === 0) {
            const columns = (width * 2 ** input.level) / 2 ** output.level;
            const expected = cutPlanes(planes, output.channels, columns, same.box!);
            assert.ok(largest(same.planes, expected) <= 1e-4, 'unchanged');
          }
          latent = replaced(latent, noise(2 + i), box, [height, width]);
          ({ record } = await stages.part(latent, planOf(extent, box), record));
        }
        const expected = await stages.whole(latent, extent);
        const everything = await stages.part(latent, planOf(extent, fullBox(height, width)), record);
        assert.ok(largest(everything.planes, expected.planes) <= 1e-4, 'everything');
        for (const name of expected.record.keys()) assert.ok(everything.record.has(name), name);
      }),
      { numRuns: 6 },
    );
  });

/** An image in bytes, 24×24 positions, and the same with 5×5 of them changed. */
async function edited(folder: string) {
  const own = await stagesIn(folder, 'int8');
  const { input, extentOf } = own;
  const [side, box] = [24, { y: { from: 9, to: 14 }, x: { from: 10, to: 15 } }];
  const noise = (seed: number) => gaussianNoise(seed, 0, input.channels * side * side);
  const before = noise(1);
  const latent = replaced(before, noise(2), box, [side, side]);
  const extent = extentOf(side, side);
  const { record } = await own.stages.whole(before, extent);
  const { fine } = stagesOf(own.network);
  const finer = 2 ** (input.level - coarsestLevel(fine));
  const crop = planCrop(fine, extent, scaled(box, finer), Number.POSITIVE_INFINITY);
  return { ...own, latent, box, crop, record, extent };
}

for (const folder of FOLDERS)
  test(`coarse stages of ${folder} in bytes: an edited part is near everything computed, for fewer products`, async () => {
    const { stages, output, network, weights, latent, box, crop, record } = await edited(folder);
    const part = await stages.between(latent, crop, record, box);
    const whole = await stages.between(latent, crop);
    assert.ok(part.macs < whole.macs / 2, `${part.macs} of ${whole.macs}`);
    assert.ok(part.box && !whole.box);
    const columns = crop.width / 2 ** output.level;
    const expected = cutPlanes(whole.planes, output.channels, columns, part.box);
    assert.ok(signalToNoise(part.planes, expected) > 20, `${signalToNoise(part.planes, expected)} dB`);

    const fine = await backend.compile(stagesOf(network).fine, weights, { kind: 'crops' });
    loaded.push(fine);
    const decoder = new CropNetwork(fine, network, stages);
    const image = await decoder.part(latent, crop, record, box);
    const exact = await decoder.part(latent.slice(), crop, new Map());
    assert.ok(image.macs < exact.macs);
    assert.ok(signalToNoise(image.data, exact.data) > 15, `${signalToNoise(image.data, exact.data)} dB`);
    for (const name of exact.record.keys()) assert.ok(image.record.has(name), name);
  });

test('coarse stages are computed whole where a part would be more work, or does not fit its record', async () => {
  const { stages, latent, box, crop, record } = await edited('tiny-sana');
  const isWhole = async (
    input: Float32Array,
    of: ReadonlyMap<string, RecordedRows>,
    changed: Box | undefined,
  ) => (await stages.between(input, crop, of, changed)).box === undefined;
  assert.equal(await isWhole(latent, record, box), false);
  assert.equal(await isWhole(latent, record, fullBox(24, 24)), true);
  assert.equal(await isWhole(latent, record, undefined), true);
  assert.equal(await isWhole(latent, new Map(), box), true);
  const loud = latent.map((value, i) => ((i % 576) % 24 === 12 ? 40 * value : value));
  assert.equal(await isWhole(loud, record, box), true, 'values far beyond the recorded ones');

  let last: ReadonlyMap<string, RecordedRows> = record;
  let edits = 0;
  for (; edits < 100; edits++) {
    const next = await stages.between(latent, crop, last, box);
    if (!next.box) break;
    last = next.record!;
  }
  assert.equal(edits, 16, 'sums are computed anew before their rounding can grow');
});
