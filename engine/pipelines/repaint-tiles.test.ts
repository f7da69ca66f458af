import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { createEngine } from '../engine.ts';
import { isAbort } from '../errors.ts';
import { gaussianNoise } from '../noise.ts';
import { readPngText } from '../pictures/png-text.ts';
import { decodePicture, readPicture } from '../pictures/read.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { writeSafetensors } from '../weights/write.ts';
import { Tiling } from './repaint-tiles.ts';

const cases = fc.record({
  height: fc.integer({ min: 1, max: 40 }),
  width: fc.integer({ min: 1, max: 40 }),
  tileHeight: fc.integer({ min: 4, max: 16 }),
  tileWidth: fc.integer({ min: 4, max: 16 }),
});

test('what every tile leaves as it is stays as it is; what tiles disagree about fades without a seam', () =>
  fc.assert(
    fc.asyncProperty(cases, async ({ height, width, tileHeight, tileWidth }) => {
      const down = Math.min(tileHeight, height);
      const across = Math.min(tileWidth, width);
      const tiling = new Tiling([2, height, width], down, across);
      const whole = gaussianNoise(1, 0, 2 * height * width);
      const same = await tiling.blended(whole, async (part) => part);
      for (const [i, value] of same.entries()) assert.ok(Math.abs(value - whole[i]!) < 1e-5, `${i}`);
      // Every tile a grey of its own, from 0 to 1.
      let tile = 0;
      const greys = await tiling.joined(async () => new Float32Array(2 * down * across).fill(tile++ % 2));
      const largest = Math.max(1 / Math.ceil(down / 4), 1 / Math.ceil(across / 4));
      for (let y = 0; y < height; y++)
        for (let x = 1; x < width; x++) {
          const step = Math.abs(greys[y * width + x]! - greys[y * width + x - 1]!);
          assert.ok(step <= largest + 1e-5, `a step of ${step} at ${x}, ${y}`);
        }
    }),
    { numRuns: 60 },
  ));

const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-repaint-'));
process.env.PATCHWORK_CACHE = path.join(folder, 'cache');
after(() => rm(folder, { recursive: true, force: true }));
const engine = createEngine(new NodeBackend(1));
after(() => engine.dispose());
const upscaler = path.join(import.meta.dirname, '../../test/fixtures/upscalers/compact-x2.safetensors');
const image = {
  width: 72,
  height: 56,
  channels: 3 as const,
  data: Uint8Array.from({ length: 3 * 72 * 56 }, (_, i) => 128 + 90 * Math.sin(i / 31)),
};

test('a larger image is repainted in tiles: another image of the same size, the more the stronger; it says so', async () => {
  const model = path.join(folder, 'sd15');
  await writeCheckpoint(model, 'sd15');
  const plain = await engine.upscale({ image, model: upscaler });
  const stages = new Set<string>();
  const repainted = async (strength: number) => {
    const repaint = { prompt: 'a house', model, strength, seed: 5, steps: 5, guidance: 3 };
    const onProgress = ({ stage }: { stage: string }) => void stages.add(stage);
    return engine.upscale({ image, model: upscaler, repaint }, { onProgress });
  };
  const pixels = async (png: Uint8Array) => (await decodePicture(png, 'an image')).pixels;
  const before = await pixels(plain.picture.png);
  const changes: number[] = [];
  for (const strength of [0.2, 0.8]) {
    const { picture, repaint, macs } = await repainted(strength);
    assert.deepEqual([picture.width, picture.height], [144, 112]);
    assert.ok(macs > plain.macs);
    assert.equal(repaint!.recipe.prompt, 'a house');
    const now = await pixels(picture.png);
    changes.push(now.reduce((sum, value, i) => sum + Math.abs(value - before[i]!), 0) / now.length);
    const said = readPngText(picture.png, 'postprocessing')!;
    assert.match(said, new RegExp(`Postprocess repaint: sd15, Postprocess repaint strength: ${strength}`));
  }
  assert.ok(changes[0]! > 0 && changes[1]! > changes[0]!, `${changes}`);
  for (const stage of ['upscale', 'encode', 'denoise', 'decode']) assert.ok(stages.has(stage), stage);
  const again = await repainted(0.2);
  assert.deepEqual(again.picture.png, (await repainted(0.2)).picture.png);
});

test('a repaint can be cancelled between tiles; a model that is shown the mask is refused', async () => {
  const inpainting = path.join(folder, 'inpainting');
  await writeCheckpoint(inpainting, 'sd15-inpaint');
  const repaint = { prompt: 'a house', model: inpainting, strength: 0.3 };
  await assert.rejects(engine.upscale({ image, model: upscaler, repaint }), /repaints masked parts only/);
  const controller = new AbortController();
  const drawing = { ...repaint, model: path.join(folder, 'sd15') };
  await assert.rejects(
    engine.upscale(
      { image, model: upscaler, repaint: drawing },
      { signal: controller.signal, onProgress: ({ stage }) => stage === 'denoise' && controller.abort() },
    ),
    isAbort,
  );
});

/** An upscaler that only repeats pixels: what differs from them is painted. */
async function repeater(): Promise<string> {
  const source = await openSafetensors(upscaler);
  const file = path.join(folder, 'repeat-x2.safetensors');
  const zeros = [...source.names()].map((name) => {
    const { shape, length } = source.find(name)!;
    return { name, dtype: 'F32' as const, shape, chunks: () => [new Uint8Array(length)] };
  });
  await writeSafetensors(file, zeros);
  return file;
}

const SIDE = 512;
/** Where tiles of 256 pixels begin or end within an image of 512. */
const EDGES = [128, 256, 384];

/**
 * How much more the change of an image steps at each edge of the tiles than beside it, along x and along y.
 * @param change planes interleaved, [SIDE, SIDE, 3]
 */
function stepsAtEdges(change: Float32Array): number[] {
  const steps = [1, SIDE].map((stride) =>
    Array.from({ length: SIDE }, (_, line) => {
      let sum = 0;
      for (let i = 0; line > 0 && i < SIDE; i++) {
        const at = 3 * (line * stride + i * (stride === 1 ? SIDE : 1));
        for (let c = 0; c < 3; c++) sum += Math.abs(change[at + c]! - change[at + c - 3 * stride]!);
      }
      return sum;
    }),
  );
  return steps.flatMap((lines) =>
    EDGES.map((edge) => {
      const beside = [...lines.slice(edge - 12, edge - 1), ...lines.slice(edge + 2, edge + 13)];
      return lines[edge]! / (beside.reduce((a, b) => a + b, 0) / beside.length);
    }),
  );
}

test('a repaint in tiles has no seams, where tiles that are repainted alone have them', async () => {
  const cat = await readPicture(path.join(import.meta.dirname, '../../test/fixtures/scenes/cat.png'));
  const model = await repeater();
  const part = (left: number, top: number, side: number) => {
    const data = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
      return cat.pixels[3 * ((top + y) * cat.width + left + x) + (i % 3)]!;
    });
    return { width: side, height: side, channels: 3 as const, data };
  };
  const larger = async (image: ReturnType<typeof part>, strength?: number) => {
    const repaint = { prompt: 'a cat on a meadow', seed: 1, steps: 4, precision: 'fp32' as const };
    const asked = { image, model, ...(strength && { repaint: { ...repaint, strength } }) };
    return decodePicture((await engine.upscale(asked)).picture.png, 'an image');
  };
  const whole = part(0, 0, SIDE / 2);
  const before = (await larger(whole)).pixels;
  const changeTo = (pixels: Uint8Array) => Float32Array.from(pixels, (value, i) => value - before[i]!);
  const together = await larger(whole, 0.5);
  assert.deepEqual([together.width, together.height], [SIDE, SIDE]);
  assert.ok(Math.max(...stepsAtEdges(changeTo(together.pixels))) < 3);
  const alone = new Uint8Array(before.length);
  const side = SIDE / 2;
  for (const [left, top] of [0, side].flatMap((y) => [0, side].map((x) => [x, y] as const))) {
    const { pixels } = await larger(part(left / 2, top / 2, side / 2), 0.5);
    for (let y = 0; y < side; y++)
      alone.set(pixels.subarray(3 * side * y, 3 * side * (y + 1)), 3 * ((top + y) * SIDE + left));
  }
  const seams = stepsAtEdges(changeTo(alone)).filter((_, i) => EDGES[i % EDGES.length] === side);
  assert.ok(Math.min(...seams) > 8, `${seams}`);
});
