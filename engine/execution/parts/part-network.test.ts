import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { NodeBackend } from '../../backends/node/backend.ts';
import { openSegmenterFolder } from '../../models/vision-folder.ts';
import { samEncoder } from '../../networks/efficientvit-heads.ts';
import { gaussianNoise } from '../../noise.ts';
import { anchorsOf } from '../../regions/anchors.ts';
import type { Box } from '../../regions/box.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import type { Program } from '../backend.ts';
import { isReleased, PartNetwork, type PartRecord, releaseRecord } from './part-network.ts';

const SIDE = 128;
const folder = path.join(import.meta.dirname, '../../../test/fixtures/parity/tiny-sight/segmenter');
let network: PartNetwork;
/** The same with records that could stay on a device. */
let keeping: PartNetwork;
const programs: Program[] = [];

before(async () => {
  const { config, weights } = await openSegmenterFolder(folder);
  const encoder = samEncoder(config.encoder);
  const anchors = anchorsOf(encoder);
  const table = new WeightTable(encoder, await weights());
  const backend = new NodeBackend(1);
  const forms = [{ kind: 'recording' }, { kind: 'parts' }, { kind: 'parts', updates: true }] as const;
  for (const form of forms) programs.push(await backend.compile(encoder, table, { ...form, anchors }));
  const [whole, part, updating] = programs.map((program) => async () => program);
  network = new PartNetwork(encoder, { whole: whole!, part: part! });
  keeping = new PartNetwork(encoder, { whole: whole!, part: updating! }, true);
});
after(() => Promise.all(programs.map((program) => program.release())));

const picture = (seed: number) => gaussianNoise(seed, 0, 3 * SIDE * SIDE);
const span = fc
  .tuple(fc.integer({ min: 0, max: SIDE - 1 }), fc.integer({ min: 1, max: 60 }))
  .map(([from, length]) => ({ from, to: Math.min(SIDE, from + length) }));
const box: fc.Arbitrary<Box> = fc.record({ y: span, x: span });

/** The largest difference, as a share of the largest value. */
function difference(a: Float32Array, b: Float32Array): number {
  let [most, scale] = [0, 0];
  for (const [i, value] of b.entries()) {
    most = Math.max(most, Math.abs(a[i]! - value));
    scale = Math.max(scale, Math.abs(value));
  }
  return most / scale;
}

/** What is recorded, as numbers. */
async function valuesOf(record: PartRecord): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const [name, held] of record)
    values.set(name, Float32Array.from('read' in held ? ((await held.read()).data as Float32Array) : held));
  return values;
}

test('a part of the same picture, computed again, is what was recorded', async () => {
  const { record } = await network.whole(picture(1), SIDE);
  const expected = await valuesOf(record);
  await fc.assert(
    fc.asyncProperty(box, fc.integer({ min: 0, max: 3 }), async (changed, margin) => {
      await network.part(picture(1), network.plan(SIDE, changed, margin), record);
      for (const [name, values] of await valuesOf(record))
        assert.ok(difference(values, expected.get(name)!) < 1e-4, `${name} ${JSON.stringify(changed)}`);
    }),
    { numRuns: 25 },
  );
});

test('with all that is read around a change, the result is that of computing everything again', async () => {
  await fc.assert(
    fc.asyncProperty(box, fc.integer({ min: 2, max: 9 }), async (changed, seed) => {
      const { record } = await network.whole(picture(1), SIDE);
      const changedPicture = picture(1);
      const other = picture(seed);
      for (let c = 0; c < 3; c++)
        for (let y = changed.y.from; y < changed.y.to; y++)
          for (let x = changed.x.from; x < changed.x.to; x++) {
            const i = (c * SIDE + y) * SIDE + x;
            changedPicture[i] = other[i]!;
          }
      const again = await network.whole(changedPicture, SIDE);
      await network.part(changedPicture, network.plan(SIDE, changed, SIDE), record);
      const expected = await valuesOf(again.record);
      for (const [name, values] of await valuesOf(record))
        assert.ok(difference(values, expected.get(name)!) < 1e-4, name);
    }),
    { numRuns: 8 },
  );
});

test('records that stay on a device are those in main memory, after several parts too', async () => {
  await fc.assert(
    fc.asyncProperty(box, box, fc.integer({ min: 0, max: 3 }), async (first, second, margin) => {
      const [held, kept] = [await network.whole(picture(1), SIDE), await keeping.whole(picture(1), SIDE)];
      for (const [i, changed] of [first, second].entries()) {
        await network.part(picture(i + 2), network.plan(SIDE, changed, margin), held.record);
        await keeping.part(picture(i + 2), keeping.plan(SIDE, changed, margin), kept.record);
      }
      const [expected, actual] = [await valuesOf(held.record), await valuesOf(kept.record)];
      assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort());
      for (const [name, values] of actual)
        assert.ok(
          difference(values, expected.get(name)!) < 1e-5,
          `${name} ${JSON.stringify([first, second])}`,
        );
      assert.ok(!isReleased(kept.record));
      releaseRecord(kept.record);
      assert.ok(isReleased(kept.record));
    }),
    { numRuns: 15 },
  );
});

test('a small part costs a fraction of the whole', async () => {
  const { macs } = await network.whole(picture(1), SIDE);
  const { macs: part } = network.plan(SIDE, { y: { from: 40, to: 68 }, x: { from: 40, to: 68 } }, 0);
  assert.ok(part < macs / 6, `${part} of ${macs}`);
  const everything = { y: { from: 0, to: SIDE }, x: { from: 0, to: SIDE } };
  assert.equal(network.plan(SIDE, everything, 0).macs, macs);
});
