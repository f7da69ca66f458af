import assert from 'node:assert/strict';
import test from 'node:test';
import { PRECISIONS, PROCESSOR_PRECISIONS, type Precision } from '../../shared/api.ts';
import { CATALOGUE } from '../models/catalogue.ts';
import { SyntheticModel } from '../models/synthetic.ts';
import { entryMemory, memorySentences } from '../pipelines/memory-sentence.ts';
import { passBytes, tokenBytes } from './forms/rows-memory.ts';
import {
  type PlannedDevice,
  type PlannedModel,
  planMemory,
  predictDenoiser,
  predictMemory,
} from './memory-plan.ts';
import { isMemoryRefusal } from './memory-refusal.ts';

const synthetic = (name: string, second = false): PlannedModel => {
  const model = new SyntheticModel(name, '/nowhere');
  return {
    name,
    autoencoder: model.autoencoder,
    sizes: model.sizes,
    textRoles: second ? ['text-encoder', 'text-encoder-2'] : ['text-encoder'],
    network: (part) => model.network(part),
  };
};
const sd15 = synthetic('sd15');
const sdxl = synthetic('sdxl', true);
const square = (side: number) => ({ width: side, height: side, batch: 2, precision: 'fp32' as const });

test('memory grows with the model, the size and guidance; apart is less than together', () => {
  const small = predictMemory(sd15, square(512));
  const large = predictMemory(sd15, square(1024));
  assert.ok(large.together > small.together && large.apart > small.apart);
  assert.ok(small.apart < small.together);
  assert.ok(predictMemory(sdxl, square(512)).apart > small.apart);
  assert.ok(predictMemory(sd15, { ...square(512), batch: 1 }).together < small.together);
  assert.ok(predictMemory(sd15, { ...square(512), precision: 'int8' }).apart < small.apart);
});

test('weights that stay in blocks of their file take that much less, and none less where they are quantized', () => {
  const stored = { denoiser: { savedByBlocks: 2e9 }, 'text-encoder': { savedByBlocks: 1e8 } };
  const [plain, packed] = [{}, { stored }].map((more) => predictMemory(sd15, { ...square(512), ...more }));
  assert.equal(plain!.together - packed!.together, 2.1e9);
  // As workers and calibration ask for it.
  const latents = { width: 64, height: 64, batch: 2, tokens: 77 };
  const alone = (more: object) =>
    predictDenoiser(sd15.network('denoiser'), latents, { precision: 'fp32', rows: true, ...more });
  assert.equal(alone({}).weights - alone({ stored }).weights, 2e9);
  const plan = (more: object) => planMemory(sd15, { ...square(512), ...more }, 2.5e9, PROCESSOR_PRECISIONS);
  assert.throws(() => plan({}), /needs about 3\.\d+ GB/);
  assert.equal(plan({ stored }), 'apart');
  const int8 = { ...square(512), precision: 'int8' as const };
  assert.deepEqual(predictMemory(sd15, int8), predictMemory(sd15, { ...int8, stored }));
});

test('weights in half precision take memory while they are cast, and none where they are quantized', () => {
  const halfBytes = 1.7e9;
  const stored = { denoiser: { halfBytes } };
  const latents = { width: 16, height: 16, batch: 1, tokens: 77 };
  const alone = (precision: 'fp32' | 'int8', more: object) =>
    predictDenoiser(sd15.network('denoiser'), latents, { precision, ...more });
  const { weights, total } = alone('fp32', { stored });
  assert.equal(weights, alone('fp32', {}).weights);
  assert.ok(total > alone('fp32', {}).total + halfBytes);
  // What an image takes afterwards is not added to it.
  assert.deepEqual(alone('fp32', { stored, loaded: true }), alone('fp32', {}), 'they are cast once');
  const few = { denoiser: { halfBytes: alone('fp32', {}).values / 2 } };
  assert.deepEqual(alone('fp32', { stored: few }), alone('fp32', {}));
  assert.deepEqual(alone('int8', { stored }), alone('int8', {}));
});

test('the catalogue tells what its models take', () => {
  for (const entry of CATALOGUE) {
    const needs = entryMemory(entry);
    assert.equal(needs !== undefined, ['pictures', 'edits'].includes(entry.purpose), entry.id);
    if (!needs) continue;
    assert.ok(needs.int8.apart <= needs.fp32.apart);
    assert.match(memorySentences(entry)[0]!, /takes about \d.*?( in fp32, .* in int8.*)? of memory at least/);
  }
});

test('plenty: everything stays loaded; less: one after another; too little: refused with what would fit', () => {
  const { together, apart } = predictMemory(sd15, square(512));
  const plan = (available: number) => planMemory(sd15, square(512), available, PROCESSOR_PRECISIONS);
  assert.equal(plan(together), 'together');
  assert.equal(plan(apart), 'apart');
  assert.throws(
    () => plan(apart / 2),
    /needs about 3\.\d+ GB .* 512x512 pixels.*would fit: 384x384 pixels in the precision int8/,
  );
  assert.throws(() => plan(0.8 * apart), /would fit: the precision int8\.$/);
  assert.throws(() => planMemory(sdxl, square(1024), 12e9 / 2, ['fp32']), /a smaller model would fit/);
});

test('of a large image the decoder needs the most: it is decoded in tiles before anything is refused', () => {
  const picture = { ...square(2048), precision: 'int8' as const };
  const { apart, tiled } = predictMemory(sd15, picture);
  assert.ok(tiled < 0.7 * apart, `${tiled} of ${apart}`);
  const plan = (available: number) => planMemory(sd15, picture, available, PRECISIONS);
  assert.equal(plan(apart), 'apart');
  assert.equal(plan(apart - 1), 'tiled');
  assert.equal(plan(tiled), 'tiled');
  assert.throws(() => plan(tiled - 1), /would fit/);
});

test('rows take more than planes, bytes less than floats, and what is recorded comes on top', () => {
  const { together } = predictMemory(sd15, square(512));
  const of = (change: object) => predictMemory(sd15, { ...square(512), ...change }).together;
  assert.ok(of({ rows: true }) > together);
  assert.ok(of({ precision: 'int8' }) < 0.65 * together);
  // int4 computes with floats, so that only small pictures take less than in int8.
  const small = square(256);
  const smallest = (precision: Precision) => predictMemory(sd15, { ...small, precision }).together;
  assert.ok(smallest('int4') < smallest('int8') && of({ precision: 'int4' }) > of({ precision: 'int8' }));
  for (const precision of PRECISIONS) {
    assert.ok(of({ precision, records: true }) > of({ precision }) + 500e6, precision);
    assert.ok(of({ precision, edit: true }) > of({ precision, records: true }), precision);
  }
});

test('an edit that does not fit is refused with the precision in which it would', () => {
  const edit = { ...square(512), edit: true };
  const { together } = predictMemory(sd15, { ...edit, precision: 'int8' });
  assert.equal(planMemory(sd15, { ...edit, precision: 'int8' }, together, PRECISIONS), 'together');
  assert.throws(() => planMemory(sd15, edit, together, PRECISIONS), /would fit: .*the precision int8\.$/);
});

test('a text encoder of several gigabytes: the precision in which it would fit is said, and no smaller size', () => {
  const plan = () =>
    planMemory(synthetic('sana-600m'), { ...square(1024), batch: 2 }, 6e9, PROCESSOR_PRECISIONS);
  assert.throws(
    plan,
    /sana-600m needs about 1\d\.\d\d GB .*, and 6\.00 GB are free; what would fit: the precision int8\.$/,
  );
});

test('a model of one size is not advised to draw smaller', () => {
  const nitroE = synthetic('nitro-e-1024');
  const picture = { ...square(1024), batch: 1, precision: 'int8' as const };
  const { tiled } = predictMemory(nitroE, picture);
  assert.ok(predictMemory(nitroE, { ...picture, width: 512, height: 512 }).tiled < 0.7 * tiled);
  assert.throws(() => planMemory(nitroE, picture, 0.7 * tiled, ['int8']), /a smaller model would fit\.$/);
});

test('an edit of a large image is coded in tiles where memory is short', () => {
  const edit = { ...square(1024), precision: 'int8' as const, edit: true };
  const { together, tiled } = predictMemory(sd15, edit);
  assert.ok(tiled < together);
  assert.equal(planMemory(sd15, edit, together - 1, PRECISIONS), 'tiled');
  assert.throws(() => planMemory(sd15, edit, tiled - 1, ['int8']), /would fit/);
});

test('2 GB of a device: a small model fits, SDXL is refused with what would fit', () => {
  const device = { composesAttention: false, largestBuffer: 2 ** 31 };
  const picture = { ...square(1024), precision: 'fp16' as const, device };
  assert.throws(
    () => planMemory(sdxl, picture, 2e9, PRECISIONS),
    /^InputError: sdxl needs about \d.* for 1024x1024 pixels, and 2\.00 GB are free; a smaller model would fit/,
  );
  assert.equal(planMemory(sd15, { ...square(256), precision: 'int4', device }, 2e9, PRECISIONS), 'together');
});

test('composed attention holds its scores; what passes a buffer of the device is tiled or refused', () => {
  const available = 1e12;
  const plan = (side: number, device: PlannedDevice) =>
    planMemory(sd15, { ...square(side), device }, available, PRECISIONS);
  const fused = predictMemory(sd15, { ...square(1024), device: {} });
  const composed = predictMemory(sd15, { ...square(1024), device: { composesAttention: true } });
  // 16384 positions, 8 heads, both branches, before and after the softmax.
  assert.ok(composed.apart - fused.apart >= 2 * 16384 ** 2 * 8 * 2 * 4);
  // The decoder has 256 channels at full size.
  const wide = 256 * 1024 ** 2 * 4;
  assert.equal(plan(1024, { largestBuffer: wide }), 'together');
  assert.equal(plan(1024, { largestBuffer: wide - 1 }), 'tiled');
  const planned = (largestBuffer: number, purpose: { edit?: boolean; records?: boolean }) =>
    planMemory(sd15, { ...square(1024), ...purpose, device: { largestBuffer } }, available, PRECISIONS);
  for (const purpose of [{ edit: true }, { records: true }]) assert.equal(planned(wide, purpose), 'together');
  assert.equal(planned(wide - 1, { edit: true }), 'tiled');
  // Tiles have no record of the whole image.
  assert.throws(
    () => planned(wide - 1, { records: true }),
    (error) => isMemoryRefusal(error) && /would fit: 768x768 pixels/.test((error as Error).message),
  );
  assert.throws(
    () => plan(1024, { composesAttention: true, largestBuffer: wide }),
    (error) =>
      isMemoryRefusal(error) &&
      /larger buffer for 1024x1024 pixels than the device has, which is 1\.07 GB; what would fit: \d+x/.test(
        (error as Error).message,
      ),
  );
});

test('features recorded on a device are counted once, in the type in which they are kept', () => {
  const denoiser = sd15.network('denoiser');
  const latents = { width: 64, height: 64, batch: 2, tokens: 77 };
  const recorded = (precision: Precision, device: PlannedDevice, isSmall = false) => {
    const form = { precision, rows: true, device, stored: { denoiser: { isSmall } } };
    const [with_, without] = [true, false].map((records) =>
      predictDenoiser(denoiser, latents, { ...form, records }),
    );
    return with_!.values - without!.values;
  };
  // The graph of a recording form takes as much everywhere.
  const graph = recorded('fp32', { storages: [] }) - passBytes(denoiser, latents);
  const of = (...given: Parameters<typeof recorded>) => Math.round(recorded(...given) - graph);
  const [floats, halves, bytes] = (['float32', 'float16', 'uint8'] as const).map((storage) =>
    passBytes(denoiser, latents, storage),
  );
  assert.equal(halves, floats! / 2);
  assert.ok(bytes! > floats! / 4 && bytes! < 0.26 * floats!, 'bytes and a scale for each row');
  const gpu = { storages: ['float16', 'uint8'] } as const;
  assert.equal(of('fp16', gpu), halves);
  assert.equal(of('fp32', gpu), halves);
  assert.equal(of('int8', gpu), bytes);
  assert.equal(of('int8', gpu, true), halves);
  assert.equal(of('fp32', { storages: ['uint8'] }), bytes);
  assert.equal(of('fp32', { storages: ['uint8'] }, true), floats);
  assert.ok(of('fp32', {}) > 2 * floats!, 'in main memory they are computed, and then copied');
});

test('features of a transformer are counted on a device as they are kept there, or once where they are not', () => {
  const latents = { width: 64, height: 64, batch: 1, tokens: 512 };
  for (const [name, batch, storage, storages] of [
    ['flux2-klein-4b', 1, 'uint8', ['float16', 'uint8']],
    ['flux2-klein-4b', 2, 'uint8', ['float16', 'uint8']],
    ['sana-600m', 1, 'uint8', ['float16', 'uint8']],
    ['sana-600m', 2, 'nibbles', ['float16', 'uint8']],
    ['sana-600m', 2, 'float32', ['float16']],
  ] as const) {
    const network = synthetic(name).network('denoiser');
    const extent = { ...latents, batch };
    const values = (records: boolean, keepsTokens: boolean) =>
      predictDenoiser(network, extent, {
        precision: 'fp32',
        records,
        device: { storages, keepsTokens },
      }).values;
    const recorded = (keepsTokens: boolean) => values(true, keepsTokens) - values(false, keepsTokens);
    const [kept, read] = [tokenBytes(network, extent, storage), tokenBytes(network, extent, 'float32')];
    assert.equal(Math.round(recorded(false) - recorded(true)), Math.round(read - kept), name);
  }
});
