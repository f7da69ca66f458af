import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { InputError } from '../errors.ts';
import { philox } from '../noise.ts';
import { BYTES_PER_ELEMENT, isDtype } from './dtypes.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import { safetensorsBytes, temporaryFolder } from './testing.ts';

const MUTATIONS = 4000;

const file = join(await temporaryFolder(), 'fuzzed.safetensors');

/** A valid file: five tensors of different types and sizes, bytes all different from their neighbours'. */
const HEADER = JSON.stringify({
  __metadata__: { format: 'pt' },
  'a.weight': { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
  'a.bias': { dtype: 'F16', shape: [4], data_offsets: [24, 32] },
  ids: { dtype: 'I64', shape: [1, 2], data_offsets: [32, 48] },
  empty: { dtype: 'BF16', shape: [0], data_offsets: [48, 48] },
  'b.weight': { dtype: 'BF16', shape: [3, 1, 2], data_offsets: [48, 60] },
});
const DATA = Uint8Array.from({ length: 60 }, (_, i) => i * 3 + 1);
const VALID = safetensorsBytes(HEADER, DATA);

/** Whole numbers below `n`, a pure function of seed and count. */
function randomSource(seed: number): (n: number) => number {
  const block = new Uint32Array(4);
  let count = 0;
  return (n) => {
    philox(seed, 1, count++, block);
    return block[0]! % n;
  };
}

const SPLICES = [
  '0',
  '-1',
  '1',
  '4',
  '24',
  '32',
  '60',
  '61',
  '1e3',
  '1.5',
  '1e400',
  '-0',
  '9007199254740992',
  'null',
  'true',
  '""',
  '"F32"',
  '"F64"',
  '"U8"',
  '"X"',
  '[]',
  '{}',
  '[0,0]',
  '[24,0]',
  '[0,60]',
  '[[]]',
  '"__proto__"',
  '"a.bias"',
  '"shape"',
  ',',
  '\u0000',
  '\\',
  '"',
  '{"dtype":"U8","shape":[1],"data_offsets":[0,1]}',
];

/** Mutations of the length prefix, of the file's length, and of the header's bytes and values. */
function mutate(random: (n: number) => number): Uint8Array {
  const bytes = VALID.slice();
  switch (random(5)) {
    case 0: {
      const flips = 1 + random(3);
      for (let i = 0; i < flips; i++) bytes[random(8 + HEADER.length)]! ^= 1 << random(8);
      return bytes;
    }
    case 1:
      return bytes.subarray(0, random(bytes.length));
    case 2: {
      bytes[random(8)] = random(256);
      return bytes;
    }
    case 3: {
      // A JSON value replaced by another, the length kept right.
      const values = [...HEADER.matchAll(/"[^"]*"|\d+|\[[^\]]*\]/g)];
      const value = values[random(values.length)]!;
      const splice = SPLICES[random(SPLICES.length)]!;
      const header = HEADER.slice(0, value.index) + splice + HEADER.slice(value.index + value[0].length);
      return safetensorsBytes(header, DATA);
    }
    default: {
      // A part cut out or doubled.
      const begin = random(HEADER.length);
      const end = begin + random(30);
      const header = HEADER.slice(0, random(2) ? begin : end) + HEADER.slice(end);
      return safetensorsBytes(header, DATA);
    }
  }
}

/** An accepted file must be one whose header, read plainly, says exactly what was found, and tile the data. */
async function checkAccepted(bytes: Uint8Array, source: SafetensorsFile): Promise<void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const dataStart = 8 + Number(view.getBigUint64(0, true));
  const plain = JSON.parse(new TextDecoder().decode(bytes.subarray(8, dataStart)));
  const names = Object.keys(plain).filter((name) => name !== '__metadata__');
  assert.deepEqual([...source.names()].sort(), names.sort());
  const covered = new Uint8Array(bytes.length);
  for (const name of names) {
    const { dtype, shape, data_offsets: offsets } = plain[name];
    const tensor = source.find(name)!;
    assert.equal(tensor.dtype, dtype);
    assert.deepEqual(tensor.shape.map(String), shape.map(String));
    assert.equal(tensor.offset, dataStart + offsets[0]);
    assert.equal(tensor.length, offsets[1] - offsets[0]);
    assert.ok(tensor.offset >= dataStart && tensor.offset + tensor.length <= bytes.length);
    for (let i = 0; i < tensor.length; i++) covered[tensor.offset + i]!++;
    if (!isDtype(tensor.dtype)) {
      await assert.rejects(source.readFloat32(tensor), InputError);
      continue;
    }
    const count = tensor.length / BYTES_PER_ELEMENT[tensor.dtype];
    const integer = /^[IUB](?!F)/.test(tensor.dtype);
    const values = await (integer ? source.readInt64(tensor) : source.readFloat32(tensor));
    assert.equal(values.length, count);
  }
  assert.ok(covered.subarray(dataStart).every((times) => times === 1));
}

/** Values by name of every tensor. */
async function valuesOf(source: SafetensorsFile): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const name of source.names()) {
    const tensor = source.find(name)!;
    const data = await (tensor.dtype === 'I64' ? source.readInt64(tensor) : source.readFloat32(tensor));
    values.set(name, data.join());
  }
  return values;
}

test(`${MUTATIONS} mutated files: refused with a sentence, or exactly what their header says`, async () => {
  await writeFile(file, VALID);
  const original = await openSafetensors(file);
  const originalValues = await valuesOf(original);
  let accepted = 0;
  for (let seed = 0; seed < MUTATIONS; seed++) {
    const bytes = mutate(randomSource(seed));
    await writeFile(file, bytes);
    let source: SafetensorsFile;
    try {
      source = await openSafetensors(file);
    } catch (error) {
      assert.ok(error instanceof InputError && error.message.includes(file), `seed ${seed}: ${error}`);
      continue;
    }
    accepted++;
    await checkAccepted(bytes, source);
    // A tensor that is described as in the original has the original's values.
    for (const name of source.names()) {
      const tensor = source.find(name)!;
      const same = original.find(name);
      if (!same || same.dtype !== tensor.dtype || bytes.length !== VALID.length) continue;
      if (same.offset !== tensor.offset || same.length !== tensor.length) continue;
      const data = await (tensor.dtype === 'I64' ? source.readInt64(tensor) : source.readFloat32(tensor));
      assert.equal(data.join(), originalValues.get(name), `seed ${seed}: ${name}`);
    }
  }
  assert.ok(accepted > 0 && accepted < MUTATIONS / 3, `${accepted} accepted`);
});

test('a change of length is never accepted', async () => {
  for (let length = 0; length < VALID.length; length++) {
    await writeFile(file, VALID.subarray(0, length));
    await assert.rejects(openSafetensors(file), InputError);
  }
  for (let more = 1; more < 20; more++) {
    await writeFile(file, new Uint8Array([...VALID, ...new Uint8Array(more)]));
    await assert.rejects(openSafetensors(file), InputError);
  }
});
