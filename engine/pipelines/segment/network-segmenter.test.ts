import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import sharp from 'sharp';
import { NodeBackend } from '../../backends/node/backend.ts';
import { createEngine } from '../../engine.ts';
import { weightsOf } from '../../graph/network.ts';
import { parseSegmenterConfig } from '../../networks/efficientvit-config.ts';
import { samEncoder } from '../../networks/efficientvit-heads.ts';
import { maskDecoder } from '../../networks/mask-decoder.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { changesBetween } from './changes.ts';
import { overlapOf } from './masks.ts';

/** A segmenter that is large enough to be worth recording. */
const config = {
  model_type: 'efficientvit-sam',
  image_size: 512,
  image_mean: [123.675, 116.28, 103.53],
  image_std: [58.395, 57.12, 57.375],
  norm_eps: 1e-6,
  backbone: {
    family: 'large',
    width_list: [16, 32, 64, 96, 128],
    depth_list: [1, 1, 1, 1, 1],
    block_list: ['res', 'fmb', 'fmb', 'att', 'att'],
    expand_list: [1, 2, 2, 2, 2],
    fewer_norm_list: [false, false, false, true, true],
    qkv_dim: 16,
    act_func: 'hswish',
  },
  neck: {
    fid_list: ['stage4', 'stage3', 'stage2'],
    head_width: 64,
    head_depth: 1,
    expand_ratio: 1,
    middle_op: 'fmb',
    out_dim: 32,
    act_func: 'hswish',
  },
  prompt_encoder: { input_image_size: 512, mask_in_chans: 8 },
  mask_decoder: {
    num_multimask_outputs: 3,
    depth: 2,
    num_heads: 2,
    mlp_dim: 32,
    attention_downsample_rate: 2,
    iou_head_depth: 2,
    iou_head_hidden_dim: 32,
  },
};

async function withSegmenter(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  try {
    const { encoder, decoder } = parseSegmenterConfig(config, 'test');
    const networks = [
      samEncoder(encoder),
      ...[true, false].map((refine) => maskDecoder(decoder, { refine })),
    ];
    const weights = new Map(networks.flatMap(weightsOf).map((weight) => [weight.name, weight]));
    const { file } = await syntheticWeights([...weights.values()], { seed: 3, folder });
    await rename(file, path.join(folder, 'model.safetensors'));
    await writeFile(path.join(folder, 'config.json'), JSON.stringify(config));
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waves of colour, with a square of other waves in it. */
function waves(patch?: { from: number; side: number }): Promise<Uint8Array> {
  const side = 512;
  const data = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
    const [x, y, c] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side), i % 3];
    const other =
      patch &&
      x >= patch.from &&
      y >= patch.from &&
      x < patch.from + patch.side &&
      y < patch.from + patch.side;
    return 128 + 100 * Math.sin(x / (other ? 7 : 23) + (c * y) / (other ? 11 : 31));
  });
  return sharp(data, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer();
}

/** The processor as a device; what stays on `webgpu` is in its memory. */
const engineOn = (device: 'cpu' | 'webgpu') => createEngine(Object.assign(new NodeBackend(1), { device }));

for (const device of ['cpu', 'webgpu'] as const)
  test(`on ${device} only what changed in an edit is encoded, and masks stay those of encoding everything`, () =>
    withSegmenter(async (model) => {
      const engine = engineOn(device);
      const fresh = createEngine(new NodeBackend(1));
      try {
        const before = await engine.segment({ image: await waves(), model });
        const edited = await waves({ from: 200, side: 114 });
        const points = [{ x: 100, y: 100 }];
        const part = await engine.segment({ image: edited, points, model });
        const whole = await fresh.segment({ image: edited, points, model });
        assert.deepEqual([before.encoding, part.encoding, whole.encoding], ['whole', 'part', 'whole']);
        assert.ok(part.macs < before.macs / 2, `${part.macs} of ${before.macs}`);
        for (const [i, mask] of part.masks.entries()) assert.ok(overlapOf(mask, whole.masks[i]!) > 0.98);
        // The way back is a part, too; a picture that has little in common with it is not.
        assert.equal((await engine.segment({ image: before.picture, model })).encoding, 'kept');
        const back = await engine.segment({ image: await waves({ from: 200, side: 60 }), model });
        assert.equal(back.encoding, 'part');
        assert.equal(
          (await engine.segment({ image: await waves({ from: 0, side: 500 }), model })).encoding,
          'whole',
        );
      } finally {
        await engine.dispose();
        await fresh.dispose();
      }
    }));

test('a GPU keeps the records of two images, main memory those of all', () =>
  withSegmenter(async (model) => {
    const flat = (background: string) =>
      sharp({ create: { width: 512, height: 512, channels: 3, background } })
        .png()
        .toBuffer();
    for (const [device, expected] of [
      ['cpu', 'part'],
      ['webgpu', 'whole'],
    ] as const) {
      const engine = engineOn(device);
      try {
        const encoding = async (image: Uint8Array) => (await engine.segment({ image, model })).encoding;
        const image = await waves();
        for (const one of [image, await flat('red')]) assert.equal(await encoding(one), 'whole');
        assert.equal(await encoding(image), 'kept');
        assert.equal(await encoding(await waves({ from: 200, side: 40 })), 'part');
        for (const colour of ['green', 'blue']) assert.equal(await encoding(await flat(colour)), 'whole');
        assert.equal(await encoding(await waves({ from: 200, side: 40 })), 'kept');
        assert.equal(await encoding(await waves({ from: 200, side: 60 })), expected, device);
      } finally {
        await engine.dispose();
      }
    }
  }));

test('an int8 encoder gives masks like those of float32, on pictures other than the one that calibrated it', () =>
  withSegmenter(async (model) => {
    const engine = createEngine(new NodeBackend(1));
    try {
      const [first, second] = [await waves(), await waves({ from: 100, side: 200 })];
      const points = [{ x: 150, y: 150 }];
      await engine.segment({ image: first, model, precision: 'int8' });
      const bytes = await engine.segment({ image: second, points, model, precision: 'int8' });
      const exact = await engine.segment({ image: second, points, model });
      for (const mask of bytes.masks) {
        const overlaps = exact.masks.map((other) => overlapOf(mask, other));
        assert.ok(Math.max(...overlaps) > 0.9, String(overlaps));
      }
      assert.notDeepEqual(bytes.masks[0]!.logits, exact.masks[0]!.logits);
    } finally {
      await engine.dispose();
    }
  }));

test('changes are found as rectangles, parts that lie apart by themselves', () => {
  const [width, height] = [60, 41];
  const before = { width, height, data: new Uint8Array(3 * width * height) };
  const data = Uint8Array.from(before.data);
  for (const [x, y] of [
    [3, 3],
    [9, 5],
    [59, 40],
  ] as const)
    data[3 * (y * width + x) + 1] = 1;
  const boxes = changesBetween(before, { width, height, data })!;
  assert.deepEqual(boxes, [
    { y: { from: 0, to: 8 }, x: { from: 0, to: 16 } },
    { y: { from: 40, to: 41 }, x: { from: 56, to: 60 } },
  ]);
  assert.deepEqual(changesBetween(before, before), []);
  assert.equal(changesBetween(before, { width: 41, height: 60, data }), undefined);
});
