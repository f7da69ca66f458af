import assert from 'node:assert/strict';
import { readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { InputError } from '../errors.ts';
import { NetworkBuilder, weightsOf } from '../graph/network.ts';
import type { Weight } from '../graph/values.ts';
import { gaussianNoise } from '../noise.ts';
import { readFloat32, readInt64 } from '../weights/read.ts';
import { openSafetensors } from '../weights/safetensors.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { WeightTable } from '../weights/weight-table.ts';
import { writeSafetensors } from '../weights/write.ts';
import { fromBlocks } from './arithmetic.ts';
import { type QuantizeRequest, quantize } from './quantize.ts';
import type { Statistics } from './statistics.ts';

const CHANNELS = 40;

/** A layer norm and a linear map. */
function smallNetwork(name = 'small') {
  const builder = new NetworkBuilder();
  const normed = builder.layerNorm('norm', builder.inputTokens('x', CHANNELS));
  builder.output('y', builder.linear('layer', normed, 24));
  return builder.build(name);
}

/** Where to quantize, from a checkpoint of seeded weights in which `change` may alter numbers. */
async function setting(
  more: Partial<QuantizeRequest> = {},
  change: (values: Float32Array, weight: Weight) => void = () => {},
) {
  const network = more.network ?? smallNetwork();
  const file = join(await temporaryFolder(), 'float.safetensors');
  const tensors = weightsOf(network).map((weight, i) => ({
    name: weight.name,
    dtype: 'F32' as const,
    shape: weight.shape,
    *chunks() {
      const values = gaussianNoise(
        5,
        i,
        weight.shape.reduce((a, b) => a * b, 1),
      );
      change(values, weight);
      yield new Uint8Array(values.buffer);
    },
  }));
  await writeSafetensors(file, tensors);
  const folder = join(await temporaryFolder(), 'quantized');
  const weights = new WeightTable(network, await openSafetensors(file));
  const request: QuantizeRequest = { network, weights, precision: 'int8', most: 127, folder, ...more };
  return { request, file, folder: request.folder };
}

const seen: Statistics = new Map([
  [
    'layer.weight',
    {
      largest: Float32Array.from({ length: CHANNELS }, (_, c) => (c === 3 ? 100 : 1)),
      mean: Float32Array.from({ length: CHANNELS }, (_, c) => (c === 3 ? 30 : 0.2)),
      square: Float32Array.from({ length: CHANNELS }, (_, c) => (c === 3 ? 1000 : 0.1)),
    },
  ],
]);

/** Counts the runs of the float32 network that calibrate. */
function counting() {
  const counter = { calls: 0 };
  const calibrate = async () => {
    counter.calls++;
    return seen;
  };
  return { counter, calibrate };
}

test('the same weights are quantized once, and the file is kept', async () => {
  const { counter, calibrate } = counting();
  const { request, folder } = await setting({ calibrate });
  await quantize(request);
  const [file, ...others] = await readdir(folder);
  assert.deepEqual(others, []);
  const bytes = await readFile(join(folder, file!));
  await quantize(request);
  assert.equal(counter.calls, 1);
  assert.deepEqual(await readdir(folder), [file]);
  assert.deepEqual(await readFile(join(folder, file!)), bytes);
});

test('other weights, another precision, range or rounding: another file', async () => {
  const { request, folder } = await setting();
  await quantize(request);
  const changed = await setting({}, (values, { name }) => {
    if (name === 'layer.weight') values[17]! += 1;
  });
  await quantize({ ...changed.request, folder });
  await quantize({ ...request, precision: 'int4' });
  await quantize({ ...request, most: 63 });
  await quantize({ ...request, calibrate: async () => seen });
  await quantize({ ...request, network: smallNetwork('other') });
  assert.equal((await readdir(folder)).length, 6);
});

test('a file whose content was changed is made again and never used', async () => {
  const { request, folder } = await setting();
  await quantize(request);
  const [name] = await readdir(folder);
  const file = join(folder, name!);
  const whole = await readFile(file);
  const damages: ((bytes: Buffer) => void)[] = [
    (bytes) => bytes.fill(0, Math.floor(bytes.length * 0.6), Math.floor(bytes.length * 0.9)),
    (bytes) => bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1),
    (bytes) => bytes.writeUInt8(bytes.readUInt8(bytes.length - 40) ^ 1, bytes.length - 40),
  ];
  for (const damage of damages) {
    const bytes = Buffer.from(whole);
    damage(bytes);
    await writeFile(file, bytes);
    await quantize(request);
    assert.deepEqual(await readFile(file), whole);
  }
});

test('any byte of the weights makes other weights, wherever it is', async () => {
  const { request, folder, file } = await setting();
  await quantize(request);
  const bytes = await readFile(file);
  const header = 8 + Number(bytes.readBigUInt64LE());
  for (const at of [header + 1, Math.floor((header + bytes.length) / 2), bytes.length - 2]) {
    const count = (await readdir(folder)).length;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    await writeFile(file, bytes);
    await quantize(request);
    assert.equal((await readdir(folder)).length, count + 1);
  }
});

test('a file that is cut off, or is another model’s or version’s, is made again and never used', async () => {
  const { request, folder } = await setting();
  await quantize(request);
  const [name] = await readdir(folder);
  const file = join(folder, name!);
  const whole = await readFile(file);
  for (const length of [0, 5, 200, whole.length - 1]) {
    await truncate(file, length);
    await quantize(request);
    assert.deepEqual(await readFile(file), whole, `cut to ${length} bytes`);
  }
  const other = await setting({}, (values) => {
    values[0] = 7;
  });
  await quantize(other.request);
  const [theirs] = await readdir(other.folder);
  await rename(join(other.folder, theirs!), file);
  await quantize(request);
  assert.deepEqual(await readFile(file), whole);
  // What an older or a newer version would have made of the same weights, under this name.
  await writeSafetensors(file, [], { identity: 'of another version' });
  await quantize(request);
  assert.deepEqual(await readFile(file), whole);
  await writeFile(file, 'not a safetensors file');
  await quantize(request);
  assert.deepEqual(await readFile(file), whole);
});

for (const odd of [Number.NaN, Number.POSITIVE_INFINITY])
  test(`a weight that is ${odd} is named and refused, and nothing is left`, async () => {
    for (const precision of ['int8', 'int4'] as const)
      for (const weight of ['layer.weight', 'norm.bias']) {
        const { request, file, folder } = await setting({ precision }, (values, { name }) => {
          if (name === weight) values[11] = odd;
        });
        await assert.rejects(quantize(request), (error) => {
          assert.ok(error instanceof InputError);
          assert.ok(error.message.includes(weight) && error.message.includes(file), error.message);
          return true;
        });
        assert.deepEqual(await readdir(folder), []);
      }
  });

test('aborted while it calibrates or writes: nothing is left, and the next call starts over', async () => {
  const abort = new DOMException('', 'AbortError');
  const { request, folder } = await setting();
  await assert.rejects(quantize({ ...request, calibrate: () => Promise.reject(abort) }), {
    name: 'AbortError',
  });
  assert.deepEqual(await readdir(folder), []);
  const controller = new AbortController();
  const onProgress = (done: number) => {
    if (done === 2) controller.abort();
  };
  await assert.rejects(quantize({ ...request, onProgress, signal: controller.signal }), {
    name: 'AbortError',
  });
  assert.deepEqual(await readdir(folder), []);
  await quantize(request);
  assert.equal((await readdir(folder)).length, 1);
});

test('int4: biases make up for what rounding takes off the mean', async () => {
  const { request } = await setting({ precision: 'int4', calibrate: async () => seen });
  const table = await quantize(request);
  const names = new Map(weightsOf(request.network).map((weight) => [weight.name, weight]));
  const [weight, bias] = [names.get('layer.weight')!, names.get('layer.bias')!];
  const gain = await readFloat32(table.get(names.get('norm.weight')!));
  const { values, scale } = table.matrix(weight, 'linear')!;
  const bytes = Uint8Array.from(await readInt64(values), Number);
  const blocks = { bits: 4, values: bytes, scale: await readFloat32(scale) } as const;
  const rounded = fromBlocks(blocks, CHANNELS, 24);
  const [own, exact, given] = await Promise.all(
    [
      request.weights.get(names.get('norm.weight')!),
      request.weights.get(weight),
      request.weights.get(bias),
    ].map(readFloat32),
  );
  const corrected = await readFloat32(table.get(bias));
  const { mean } = seen.get('layer.weight')!;
  for (let n = 0; n < 24; n++) {
    let [before, after] = [given![n]!, corrected[n]!];
    for (let c = 0; c < CHANNELS; c++) {
      // The norm's gain was divided by the factor by which the row was multiplied.
      const m = own![c]! / gain[c]!;
      before += mean[c]! * exact![n * CHANNELS + c]!;
      after += (mean[c]! / m) * rounded[c * 24 + n]!;
    }
    assert.ok(
      Math.abs(after - before) < 0.02 * (1 + Math.abs(before)),
      `${n}: ${after} instead of ${before}`,
    );
  }
});

test('half the range where the processor asks for it', async () => {
  const { request } = await setting({ most: 63 });
  const table = await quantize(request);
  const weight = weightsOf(request.network).find(({ name }) => name === 'layer.weight')!;
  const values = [...(await readInt64(table.matrix(weight, 'linear')!.values))].map(Number);
  assert.equal(Math.max(...values.map(Math.abs)), 63);
});
