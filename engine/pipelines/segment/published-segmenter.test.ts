import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import type { Engine, ObjectMask } from '../../../shared/api.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { createEngine } from '../../engine.ts';
import { InputError } from '../../errors.ts';
import type { Backend } from '../../execution/backend.ts';
import { findExport, PublishedSegmenter } from './published-segmenter.ts';
import { DISC_RADII, DISC_SCORES, type ExportOptions, writeExport } from './testing.ts';

async function withEngine(use: (engine: Engine, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  const engine = createEngine(new NodeBackend(1));
  try {
    await use(engine, folder);
  } finally {
    await engine.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

const grey = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#888' } })
    .png()
    .toBuffer();

/** The share of a disc's pixels that a mask has right. */
function discOverlap(mask: ObjectMask, x: number, y: number, radius: number): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < mask.data.length; i++) {
    const inside = Math.hypot((i % mask.width) - x, Math.floor(i / mask.width) - y) < radius ? 1 : 0;
    both += inside & mask.data[i]!;
    either += inside | mask.data[i]!;
  }
  return both / either;
}

for (const [size, width, height] of [
  [512, 800, 500],
  [1024, 300, 640],
] as const)
  test(`an export for ${size}×${size} is used as it is: points in the frame of 1024, masks at the picture's size`, () =>
    withEngine(async (engine, folder) => {
      await writeExport(folder, { size });
      const image = await grey(width, height);
      const [x, y] = [Math.round(width * 0.6), Math.round(height * 0.45)];
      const result = await engine.segment({ image, points: [{ x, y }], model: folder });
      assert.deepEqual(
        result.masks.map(({ score }) => score.toFixed(1)),
        ['0.8', '0.7', '0.5'],
      );
      const scale = Math.max(width, height) / 1024;
      for (const mask of result.masks) {
        const radius =
          DISC_RADII[DISC_SCORES.findIndex((score) => Math.abs(score - mask.score) < 1e-6)]! * scale;
        assert.ok(discOverlap(mask, x, y, radius) > 0.95, `radius ${radius}`);
        assert.equal(mask.logits, undefined);
      }
      // More than one click is unambiguous: the single mask comes first.
      const points = [
        { x, y },
        { x: x + 1, y, include: false },
      ];
      const more = await engine.segment({ image: result.picture, points, model: folder });
      assert.equal(more.encoding, 'kept');
      assert.deepEqual(
        more.masks.map(({ score }) => score.toFixed(1)),
        ['0.9', '0.8', '0.7'],
      );
    }));

test('the encoder may be named by its file', () =>
  withEngine(async (engine, folder) => {
    await writeExport(folder);
    await cp(path.join(folder, 'tiny_encoder.onnx'), path.join(folder, 'other_encoder.onnx'));
    const request = { image: await grey(64, 64), points: [{ x: 5, y: 5 }] };
    await assert.rejects(
      engine.segment({ ...request, model: folder }),
      /other_encoder.*give the encoder's file/,
    );
    const file = path.join(folder, 'tiny_encoder.onnx');
    assert.equal((await engine.segment({ ...request, model: file })).masks.length, 3);
    await assert.rejects(
      engine.segment({ ...request, model: path.join(folder, 'other_encoder.onnx') }),
      /other_decoder\.onnx/,
    );
  }));

for (const [what, options, sentence] of [
  ['another name', { inputName: 'images' }, /float32 input_image \[N, 3, S, S\] was expected, it has images/],
  ['another size', { size: 256 }, /must be 512×512 or 1024×1024, it is 256×256/],
  ['another embedding', { embeddingChannels: 128 }, /image_embeddings \[N, 256, 64, 64\] was expected/],
  [
    'another type',
    { labels: 'int64' },
    /float32 point_labels \[B, N\] was expected, its point_labels is of another type/,
  ],
  ['another mask', { maskSide: 128 }, /masks \[B, M, 256, 256\] was expected/],
] as const satisfies readonly (readonly [string, ExportOptions, RegExp])[])
  test(`an ONNX file with ${what} is refused, saying what was expected`, () =>
    withEngine(async (engine, folder) => {
      await writeExport(folder, options);
      const image = await grey(64, 64);
      await assert.rejects(
        engine.segment({ image, points: [{ x: 1, y: 1 }], model: folder }),
        (error: Error) => {
          assert.ok(error instanceof InputError);
          assert.match(error.message, sentence);
          return true;
        },
      );
    }));

test('a model that is not there, or is something else, is named', () =>
  withEngine(async (engine, folder) => {
    const request = { image: await grey(64, 64), points: [{ x: 1, y: 1 }] };
    await assert.rejects(
      engine.segment({ ...request, model: path.join(folder, 'none') }),
      /There is no segmenter .*none/,
    );
    await assert.rejects(engine.segment({ ...request, model: folder }), /config\.json is missing/);
    await writeFile(path.join(folder, 'encoder.onnx'), 'x');
    await assert.rejects(engine.segment({ ...request, model: folder }), /"decoder" in its name; it has none/);
  }));

test('an encoder whose decoder cannot be loaded is freed', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  await writeExport(folder, {});
  let [opened, released] = [0, 0];
  const backend = {
    open: async () => {
      if (opened++ > 0) throw new Error('no memory');
      return { release: async () => void released++ };
    },
  } as unknown as Backend;
  const files = (await findExport(folder))!;
  await assert.rejects(PublishedSegmenter.open(files, backend, 1), /decoder.* cannot be loaded: no memory/);
  assert.deepEqual([opened, released], [2, 1]);
  await rm(folder, { recursive: true });
});
