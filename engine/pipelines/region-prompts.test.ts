import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { floats } from '../graph/tensor.ts';
import { requireSteerable } from '../models/networks.ts';
import { psnr } from '../pictures/psnr.ts';
import { decodePicture } from '../pictures/read.ts';
import { RegionPrompts } from './region-prompts.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-region-prompts-'));
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
after(() => rm(folder, { recursive: true, force: true }));
const model = path.join(folder, 'sd15');
await writeCheckpoint(model, 'sd15');
const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());

const SIDE = 64;
/** White where a test of the column says so. */
function columns(isWhite: (x: number) => boolean) {
  const data = Uint8Array.from({ length: SIDE ** 2 }, (_, i) => (isWhite(i % SIDE) ? 255 : 0));
  return { width: SIDE, height: SIDE, channels: 1, data };
}
const left = columns((x) => x < SIDE / 2);
const size = { width: SIDE, height: SIDE };
const request = { prompt: 'a house', model, seed: 3, steps: 3, previews: false, ...size };

async function generated(regions: object[], more: object = {}) {
  const { picture, recipe } = await engine.generate({ ...request, regions, ...more } as never);
  return { pixels: (await decodePicture(picture.png, 'The image')).pixels, recipe, png: picture.png };
}

/** How much two images differ left and right of the middle. */
function differences(a: Uint8Array, b: Uint8Array): [left: number, right: number] {
  const sums: [number, number] = [0, 0];
  for (const [i, value] of a.entries())
    sums[(Math.floor(i / 3) % SIDE) * 2 < SIDE ? 0 : 1] += Math.abs(value - b[i]!);
  return sums;
}

test('a region with a prompt of its own changes its part most; with the same prompt it changes nothing', async () => {
  const plain = await generated([]);
  const same = await generated([{ prompt: 'a house', mask: left }]);
  assert.ok(psnr(same.pixels, plain.pixels) > 45, `${psnr(same.pixels, plain.pixels)} dB`);
  const divided = await generated([{ prompt: '{a lake|a lake} <lora:none:1>', mask: left }]);
  assert.deepEqual(divided.recipe.regionPrompts, ['a lake']);
  const [inside, outside] = differences(divided.pixels, plain.pixels);
  assert.ok(inside > 1.3 * outside, `${inside} inside, ${outside} outside`);
  const all = await generated([{ prompt: 'a lake', mask: columns(() => true) }]);
  const other = await generated([], { prompt: 'a lake' });
  assert.ok(psnr(all.pixels, other.pixels) > 45, 'a region that is everywhere is the prompt');
});

test('words of a region may change over the steps, and a region may be longer than the prompt', async () => {
  const region = (prompt: string) => generated([{ prompt, mask: left }]);
  const changing = await region('[a lake:a boat:0.5]');
  assert.notDeepEqual(changing.pixels, (await region('a lake')).pixels);
  assert.notDeepEqual(changing.pixels, (await region('a boat')).pixels);
  await region('a lake '.repeat(60));
});

test('an edit with regions computes only its part, close to the full recompute', async () => {
  const scene = { ...request, model: undefined, width: 256, height: 256, steps: 4 };
  const { picture } = await engine.generate({ ...scene, prompt: 'a meadow at noon' });
  const { png: image } = picture;
  const { pixels: before } = await decodePicture(image, 'The image');
  const band = (from: number, to: number) => {
    const data = Uint8Array.from({ length: 256 ** 2 }, (_, i) => {
      const [x, y] = [i % 256, Math.floor(i / 256)];
      return x >= from && x < to && y >= 100 && y < 220 ? 255 : 0;
    });
    return { width: 256, height: 256, channels: 1, data };
  };
  const [mask, right] = [band(40, 216), band(128, 256)];
  const regions = [{ prompt: 'a blue house in a meadow at noon', mask: right }];
  const edit = async (mode: 'sparse' | 'dense', more: object = {}) => {
    const asked = { ...scene, prompt: 'a red house in a meadow at noon', image, mask, mode, raw: true };
    return await engine.edit({ ...asked, ...more });
  };
  const [sparse, dense] = [await edit('sparse', { regions }), await edit('dense', { regions })];
  const [part, all] = [sparse.pixels!.data, dense.pixels!.data];
  assert.ok(psnr(part, all) > 22, `${psnr(part, all)} dB`);
  const { pixels: alone, recordedSteps } = await edit('sparse');
  assert.ok(sparse.recordedSteps > 0);
  assert.equal(recordedSteps, 0, 'what was recorded does not depend on regions');
  assert.ok(psnr(part, alone!.data) < psnr(part, all), 'the region counts');
  assert.ok(sparse.activeFraction[0]! < 0.5);
  for (const [i, value] of part.entries())
    if (mask.data[Math.floor(i / 3)] === 0) assert.equal(value, before[i]);
});

test('shares of the prompt and of its regions sum to 1 at every level, also where regions overlap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(63), fc.integer({ min: 1, max: 64 })), { minLength: 1, maxLength: 3 }),
      async (spans) => {
        const regions = spans.map(([from, width]) => ({
          prompt: 'x',
          mask: columns((x) => x >= from && x < from + width),
        }));
        const prompts = await RegionPrompts.open(regions, { ...size, scale: 8 });
        const shares = prompts.sharesFor({ left: 0, top: 0, ...size });
        assert.equal(shares.length, regions.length + 1);
        for (const level of [0, 1, 3]) {
          const maps = shares.map((share) => floats({ share: share[level]! }, 'share'));
          for (let i = 0; i < maps[0]!.length; i++) {
            const values = maps.map((map) => map[i]!);
            assert.ok(values.every((value) => value >= 0));
            assert.ok(Math.abs(values.reduce((a, b) => a + b) - 1) < 1e-5);
          }
        }
      },
    ),
    { numRuns: 20 },
  );
});

test('transformers, and masks that are none, are refused in a sentence', async () => {
  const sana = { _class_name: 'SanaTransformer2DModel' };
  assert.throws(() => requireSteerable(sana, 'config.json'), /prompts for regions steer the U-Nets/);
  await assert.rejects(
    generated([{ prompt: 'x', mask: columns(() => false) }]),
    /mask of the region “x” has no white/,
  );
  await assert.rejects(generated(Array(9).fill({ prompt: 'x', mask: left })), /8 regions at most/);
});
