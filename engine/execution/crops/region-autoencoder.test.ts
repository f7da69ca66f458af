import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { NodeBackend } from '../../backends/node/backend.ts';
import { float32, floats } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import { signalToNoise } from '../../numbers.ts';
import { quantize } from '../../quantization/quantize.ts';
import { type Box, fullBox, scaled, widthOf, within } from '../../regions/box.ts';
import { planCrop } from '../../regions/crop.ts';
import { dilate, fullMask, type Mask } from '../../regions/mask.ts';
import { coarsestLevel } from '../../regions/reach.ts';
import { stagesOf } from '../../regions/stages.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { type Weights, WeightTable } from '../../weights/weight-table.ts';
import { PLANAR } from '../forms/form.ts';
import { autoencoderComponents } from '../testing.ts';
import { CropNetwork, cutPlanes } from './crop-network.ts';
import { NO_RECORD, RegionAutoencoder } from './region-autoencoder.ts';

const backend = new NodeBackend(1);
const parity = path.join(import.meta.dirname, '../../..', 'test', 'fixtures', 'parity', 'tiny-sd15');
const components = {
  tiny: autoencoderComponents(path.join(parity, 'vae_tiny')),
  kl: autoencoderComponents(path.join(parity, 'vae')),
};
const autoencoders = {
  tiny: new RegionAutoencoder(components.tiny),
  kl: new RegionAutoencoder(components.kl),
};
after(() => Promise.all(Object.values(components).map((some) => some.release())));

const latentOf = (seed: number, { width, height }: Mask) => gaussianNoise(seed, 0, 4 * width * height);
const planesOf = (seed: number, { width, height }: Mask) =>
  gaussianNoise(seed, 1, 3 * 64 * width * height).map((value) => Math.tanh(value));

/** A mask of up to three rectangles, and a size in latent positions. */
const masks = fc
  .record({
    height: fc.integer({ min: 1, max: 40 }),
    width: fc.integer({ min: 1, max: 40 }),
    boxes: fc.array(fc.tuple(fc.nat(39), fc.nat(39), fc.nat(5), fc.nat(5)), { minLength: 1, maxLength: 3 }),
  })
  .map(({ height, width, boxes }): Mask => {
    const data = new Uint8Array(height * width);
    for (const [top, left, rows, columns] of boxes)
      for (let y = top % height; y <= Math.min(height - 1, (top % height) + rows); y++)
        for (let x = left % width; x <= Math.min(width - 1, (left % width) + columns); x++)
          data[y * width + x] = 1;
    return { height, width, data };
  });

/** Value by value: is it under an active position of the mask? `block`: values along a side of a position. */
function underMask(length: number, mask: Mask, block: number): (i: number) => boolean {
  const width = mask.width * block;
  const positions = width * mask.height * block;
  assert.equal(length % positions, 0);
  return (i) => {
    const y = Math.floor((i % positions) / width);
    const x = i % width;
    return mask.data[Math.floor(y / block) * mask.width + Math.floor(x / block)] === 1;
  };
}

/** The largest difference under the mask; beside it values must be those of `before`, bit for bit. */
function errorInside(
  part: Float32Array,
  whole: Float32Array,
  before: Float32Array,
  mask: Mask,
  block: number,
): number {
  const inside = underMask(whole.length, mask, block);
  let worst = 0;
  for (let i = 0; i < whole.length; i++) {
    if (inside(i)) worst = Math.max(worst, Math.abs(part[i]! - whole[i]!));
    else if (!Object.is(part[i], before[i])) return Number.POSITIVE_INFINITY;
  }
  return worst;
}

test('whole passes are those of the planar networks', async () => {
  const size = { height: 9, width: 14, data: new Uint8Array() };
  for (const kind of ['tiny', 'kl'] as const) {
    const { scalingFactor } = autoencoders[kind].facts;
    const latent = latentOf(1, size);
    const unscaled = float32(
      latent.map((value) => value / scalingFactor),
      [1, 4, 9, 14],
    );
    const decoder = await components[kind].program('vae-decoder');
    const image = floats(await decoder.run({ latent: unscaled }), 'image');
    const decoded = await autoencoders[kind].decode(latent, 112, 72);
    assert.ok(errorInside(decoded.data, image, image, fullMask(9, 14), 8) < 2e-5);

    const encoder = await components[kind].program('vae-encoder');
    const outputs = await encoder.run({ image: float32(planesOf(1, size), [1, 3, 72, 112]) });
    const mean = floats(outputs, kind === 'kl' ? 'moments' : 'latent').subarray(0, latent.length);
    const encoded = await autoencoders[kind].encode(planesOf(1, size), 112, 72);
    const scaled = mean.map((value) => value * scalingFactor);
    assert.ok(errorInside(encoded.data, scaled, scaled, fullMask(9, 14), 1) < 2e-5);
  }
});

test('AutoencoderTiny: a region is that of a whole pass, for random masks and sizes', async () => {
  const tiny = autoencoders.tiny;
  await fc.assert(
    fc.asyncProperty(masks, async (mask) => {
      const [width, height] = [8 * mask.width, 8 * mask.height];
      const latent = latentOf(1, mask);
      const whole = await tiny.decode(latent, width, height);
      const other = { data: planesOf(2, mask), record: NO_RECORD };
      const part = await tiny.decodeRegion(latent, width, height, other, mask);
      assert.ok(errorInside(part.data, whole.data, other.data, mask, 8) <= 1e-5);

      const planes = planesOf(3, mask);
      const encoded = await tiny.encode(planes, width, height);
      const earlier = { data: latentOf(4, mask), record: NO_RECORD };
      const partly = await tiny.encodeRegion(planes, width, height, earlier, mask);
      assert.ok(errorInside(partly.data, encoded.data, earlier.data, mask, 1) <= 1e-5);
    }),
    { numRuns: 10 },
  );
});

for (const folder of ['tiny-sana', 'tiny-dc-ae/mixed', 'tiny-dc-ae/f32c32-in'])
  test(`AutoencoderDC of ${folder}: a region is that of decoding everything, and needs no record`, async () => {
    const own = autoencoderComponents(path.join(parity, '..', folder, 'vae'));
    const autoencoder = new RegionAutoencoder(own);
    const { scale, latentChannels, scalingFactor } = autoencoder.facts;
    assert.equal(autoencoder.needsRecord, false);
    await fc.assert(
      fc.asyncProperty(masks, async ({ data: _, ...large }) => {
        const [height, width] = [1 + (large.height % 6), 1 + (large.width % 6)];
        const mask = { height, width, data: new Uint8Array(height * width) };
        for (const seed of [large.height, large.width]) mask.data[seed % mask.data.length] = 1;
        const latent = gaussianNoise(2, 0, latentChannels * height * width);
        const decoder = await own.program('vae-decoder');
        const unscaled = float32(
          latent.map((value) => value / scalingFactor),
          [1, latentChannels, height, width],
        );
        const whole = floats(await decoder.run({ latent: unscaled }), 'image');
        const other = { data: gaussianNoise(3, 0, whole.length), record: NO_RECORD };
        const part = await autoencoder.decodeRegion(latent, scale * width, scale * height, other, mask);
        assert.ok(errorInside(part.data, whole, other.data, mask, scale) <= 1e-4);
        assert.ok(autoencoder.macs('vae-decoder', scale * width, scale * height, mask) > 0);
      }),
      { numRuns: 8 },
    );
    const all = autoencoder.macs('vae-decoder', scale * 16, scale * 16, fullMask(16, 16));
    const one = autoencoder.macs('vae-decoder', scale * 16, scale * 16, {
      ...fullMask(16, 16),
      data: new Uint8Array(256).fill(1, 100, 101),
    });
    assert.ok(one < all / 2, `${one} of ${all}`);
    await own.release();
  });

test('AutoencoderDC: what several regions share of the decoder is computed once', async (t) => {
  const own = autoencoderComponents(path.join(parity, '..', 'tiny-sana', 'vae'));
  const compiled = t.mock.method(NodeBackend.prototype, 'compile');
  const autoencoder = new RegionAutoencoder(own);
  const { scale, latentChannels } = autoencoder.facts;
  const [height, width] = [3, 24];
  const mask = { height, width, data: new Uint8Array(height * width) };
  for (const corner of [0, height * width - 1]) mask.data[corner] = 1;
  const latent = gaussianNoise(2, 0, latentChannels * height * width);
  const before = { data: new Float32Array(3 * scale ** 2 * height * width), record: NO_RECORD };
  const size = [scale * width, scale * height] as const;
  await own.cropNetwork('vae-decoder');
  const call = compiled.mock.calls.find(({ arguments: [{ name }] }) => name.endsWith('-coarse'));
  const coarse = t.mock.method(await call!.result!, 'run');
  const { macs } = await autoencoder.decodeRegion(latent, ...size, before, mask);
  assert.equal(coarse.mock.callCount(), 1);
  assert.equal(macs, autoencoder.macs('vae-decoder', ...size, mask));
  await own.release();
});

for (const folder of ['tiny-sana', 'tiny-dc-ae/mixed', 'tiny-dc-ae/f32c32-in'])
  test(`AutoencoderDC of ${folder} in bytes: near float32, whole and in part`, async () => {
    const { model } = autoencoderComponents(path.join(parity, '..', folder, 'vae'));
    const network = model.network('vae-decoder');
    const weights = new WeightTable(network, await model.weights('vae-decoder'));
    const most = await backend.largestInt8();
    const cache = await temporaryFolder();
    const bytes = await quantize({ network, weights, precision: 'int8', most, folder: cache });
    const { latentChannels, scale } = model.autoencoder;
    const [height, width] = [3, 5];
    const latent = gaussianNoise(4, 0, latentChannels * height * width);
    const decoded = async (table: Weights) => {
      const program = await backend.compile(network, table, PLANAR);
      const given = float32(latent, [1, latentChannels, height, width]);
      const image = floats(await program.run({ latent: given }), 'image');
      await program.release();
      return image;
    };
    const [exact, rounded] = [await decoded(weights), await decoded(bytes)];
    assert.notDeepEqual(rounded, exact);
    assert.ok(signalToNoise(rounded, exact) > 20, `${signalToNoise(rounded, exact)} dB`);

    const { coarse, fine } = stagesOf(network);
    const crops = new CropNetwork(
      await backend.compile(fine, bytes, { kind: 'crops' }),
      network,
      coarse && (await backend.compile(coarse, bytes, PLANAR)),
    );
    const finer = scale / 2 ** coarsestLevel(fine);
    const extent = { height: scale * height, width: scale * width, batch: 1, tokens: 0 };
    const target = scaled({ y: { from: 1, to: 2 }, x: { from: 2, to: 4 } }, finer);
    const part = await crops.part(
      latent,
      planCrop(fine, extent, target, Number.POSITIVE_INFINITY),
      NO_RECORD,
    );
    const inside = (planes: Float32Array, box: Box, columns: number) => {
      const pixels = scaled({ y: { from: 1, to: 2 }, x: { from: 2, to: 4 } }, scale);
      return cutPlanes(planes, 3, columns, within(pixels, box));
    };
    const found = inside(part.data, part.box, widthOf(part.box));
    const expected = inside(exact, fullBox(extent.height, extent.width), extent.width);
    assert.ok(signalToNoise(found, expected) > 20, `${signalToNoise(found, expected)} dB in part`);
  });

test('AutoencoderTiny: decoding all that a change influences gives the whole picture', async () => {
  const tiny = autoencoders.tiny;
  const mask: Mask = { height: 48, width: 50, data: new Uint8Array(48 * 50) };
  mask.data[24 * 50 + 20] = 1;
  const before = await tiny.decode(latentOf(1, mask), 400, 384);
  const changed = latentOf(1, mask).map((value, i) => (mask.data[i % (48 * 50)] ? value + 1 : value));
  // How far the decoder sees; see `regions/crop.test.ts`.
  const dilation = 19;
  const part = await tiny.decodeRegion(changed, 400, 384, before, mask, { dilation });
  const whole = await tiny.decode(changed, 400, 384);
  assert.ok(errorInside(part.data, whole.data, before.data, fullMask(48, 50), 8) <= 1e-5);
  assert.ok(errorInside(part.data, whole.data, before.data, dilate(mask, dilation), 8) <= 1e-5);
});

test('AutoencoderKL: an unchanged picture is computed as it was recorded, for random masks and sizes', async () => {
  const kl = autoencoders.kl;
  const margin = Number.POSITIVE_INFINITY;
  await fc.assert(
    fc.asyncProperty(masks, async (mask) => {
      const [width, height] = [8 * mask.width, 8 * mask.height];
      const latent = latentOf(1, mask);
      const whole = await kl.decode(latent, width, height);
      const forgotten = { data: planesOf(2, mask), record: whole.record };
      const part = await kl.decodeRegion(latent, width, height, forgotten, mask, { margin });
      assert.ok(errorInside(part.data, whole.data, forgotten.data, mask, 8) <= 2e-5);
      for (const [name, values] of whole.record)
        assert.ok(part.record.get(name)!.every((value, i) => Math.abs(value - values[i]!) < 1e-4));

      const planes = planesOf(3, mask);
      const encoded = await kl.encode(planes, width, height);
      const earlier = { data: latentOf(4, mask), record: encoded.record };
      const partly = await kl.encodeRegion(planes, width, height, earlier, mask, { margin });
      assert.ok(errorInside(partly.data, encoded.data, earlier.data, mask, 1) <= 2e-5);
    }),
    { numRuns: 6 },
  );
});

test('AutoencoderKL: an edit is near a whole pass, and all positions are one', async () => {
  const kl = autoencoders.kl;
  const mask: Mask = { height: 32, width: 40, data: new Uint8Array(32 * 40) };
  for (let y = 10; y < 15; y++) mask.data.fill(1, y * 40 + 12, y * 40 + 18);
  const scale = kl.facts.scalingFactor;
  const original = latentOf(1, mask).map((value) => value * scale);
  const other = latentOf(2, mask);
  const edited = original.map((value, i) => (mask.data[i % (32 * 40)] ? other[i]! * scale : value));
  const before = await kl.decode(original, 320, 256);
  const whole = await kl.decode(edited, 320, 256);
  const part = await kl.decodeRegion(edited, 320, 256, before, mask);
  const peak = whole.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assert.ok(errorInside(part.data, whole.data, before.data, mask, 8) < 0.03 * peak);
  assert.ok(part.macs < whole.macs / 4);
  assert.equal(part.macs, kl.macs('vae-decoder', 320, 256, mask));

  const everything = await kl.decodeRegion(edited, 320, 256, before, fullMask(32, 40));
  assert.ok(errorInside(everything.data, whole.data, whole.data, fullMask(32, 40), 8) < 2e-5);
  assert.deepEqual([...everything.record.keys()].sort(), [...whole.record.keys()].sort());
});

test('an empty mask computes nothing', async () => {
  const mask = { height: 4, width: 4, data: new Uint8Array(16) };
  const before = { data: planesOf(1, mask), record: NO_RECORD };
  const result = await autoencoders.kl.decodeRegion(latentOf(1, mask), 32, 32, before, mask);
  assert.deepEqual(result, { ...before, macs: 0 });
});

test('packed latents: everything active is the whole pass, and what did not change stays as it was', async () => {
  const packed = autoencoderComponents(path.join(parity, '..', 'tiny-flux2-klein', 'vae'));
  const autoencoder = new RegionAutoencoder(packed);
  try {
    const { latentChannels, scale } = autoencoder.facts;
    assert.deepEqual([latentChannels, scale], [32, 16]);
    const [height, width] = [5, 6];
    const noise = (seed: number, channels: number, side: number) =>
      gaussianNoise(seed, 2, channels * height * width * side ** 2);
    const [before, latent] = [noise(1, latentChannels, 1), noise(2, latentChannels, 1)];
    const size = [width * scale, height * scale] as const;
    const original = await autoencoder.decode(before, ...size);
    const whole = await autoencoder.decode(latent, ...size);
    const everything = fullMask(height, width);
    const all = await autoencoder.decodeRegion(latent, ...size, whole, everything);
    assert.ok(errorInside(all.data, whole.data, whole.data, everything, scale) < 1e-4);
    const mask = { height, width, data: Uint8Array.from({ length: 30 }, (_, i) => Number(i % 6 < 2)) };
    const same = await autoencoder.decodeRegion(before, ...size, original, mask, { margin: 6 });
    assert.ok(errorInside(same.data, original.data, original.data, mask, scale) < 1e-4);
    const planes = noise(3, 3, scale).map(Math.tanh);
    const encoded = await autoencoder.encode(planes, ...size);
    assert.equal(encoded.data.length, latent.length);
    const again = await autoencoder.encodeRegion(planes, ...size, encoded, mask, { margin: 6 });
    assert.ok(errorInside(again.data, encoded.data, encoded.data, mask, 1) < 1e-4);
  } finally {
    await packed.release();
  }
});

test('in tiles: near a whole pass, and a part is that of all tiles under its mask, and as before elsewhere', async () => {
  const mask: Mask = { height: 20, width: 100, data: new Uint8Array(20 * 100) };
  const [width, height] = [800, 160];
  for (let y = 5; y < 9; y++) mask.data.fill(1, y * 100 + 60, y * 100 + 66);
  for (const kind of ['kl', 'tiny'] as const) {
    const tiles = new RegionAutoencoder(components[kind], { tiles: true });
    assert.equal(tiles.needsRecord, false);
    const planes = planesOf(1, mask).subarray(0, 3 * width * height);
    const [latent, exact] = [
      await tiles.encode(planes, width, height),
      await autoencoders[kind].encode(planes, width, height),
    ];
    assert.ok(signalToNoise(latent.data, exact.data) > 20, `${signalToNoise(latent.data, exact.data)} dB`);
    const [image, whole] = [
      await tiles.decode(exact.data, width, height),
      await autoencoders[kind].decode(exact.data, width, height),
    ];
    assert.ok(signalToNoise(image.data, whole.data) > 20, `${signalToNoise(image.data, whole.data)} dB`);

    const before = { data: new Float32Array(image.data.length).fill(7), record: NO_RECORD };
    const part = await tiles.decodeRegion(exact.data, width, height, before, mask);
    for (const [i, value] of part.data.entries()) {
      const [y, x] = [Math.floor((i % (width * height)) / width), i % width];
      const isMasked = mask.data[Math.floor(y / 8) * 100 + Math.floor(x / 8)];
      assert.equal(value, isMasked ? image.data[i] : 7, `${kind} ${y} ${x}`);
    }
    const known = { data: new Float32Array(latent.data.length).fill(7), record: NO_RECORD };
    const encoded = await tiles.encodeRegion(planes, width, height, known, mask);
    for (const [i, value] of encoded.data.entries())
      assert.equal(value, mask.data[i % mask.data.length] ? latent.data[i] : 7, `${kind} ${i}`);
    assert.ok(part.macs > 0 && part.macs <= image.macs);
  }
});
