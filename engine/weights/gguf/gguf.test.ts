import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { ggufBytes } from '../../../test/support/gguf.ts';
import { InputError } from '../../errors.ts';
import { readFloat32 } from '../read.ts';
import { openSafetensors } from '../safetensors.ts';
import { openTensors } from '../tensor-file.ts';
import { temporaryFolder } from '../testing.ts';
import { dequantized } from './dequantized.ts';

const fixtures = path.join(import.meta.dirname, '../../../test/fixtures/gguf');
const folder = await temporaryFolder();
process.env.PATCHWORK_CACHE = folder;

test('every type has the values that the reference implementation gives it', async () => {
  const source = await openTensors(path.join(fixtures, 'types.gguf'));
  const expected = await openSafetensors(path.join(fixtures, 'expected.safetensors'));
  const names = [...source.names()];
  assert.deepEqual(names.sort(), [...expected.names()].sort());
  assert.ok(names.length >= 9);
  const read = await dequantized(source);
  for (const name of names) {
    const [got, want] = [await readFloat32(read.find(name)!), await readFloat32(expected.find(name)!)];
    assert.deepEqual(read.find(name)!.shape, expected.find(name)!.shape);
    const scale = Math.max(...want.map(Math.abs));
    // Half precision rounds to 11 bits.
    for (const [i, value] of want.entries())
      assert.ok(Math.abs(got[i]! - value) <= scale * 2 ** -11, `${name}[${i}]: ${got[i]}, not ${value}`);
  }
  const again = await dequantized(source);
  assert.equal(again.find('Q4_0')!.file, read.find('Q4_0')!.file);
});

test('numbers in bfloat16 stay as they are', async () => {
  const file = path.join(folder, 'brains.gguf');
  const values = Float32Array.of(0, -0.5, 1, 3.140625, 2 ** 100, -(2 ** -100));
  await writeFile(file, ggufBytes([{ name: 'a', shape: [2, 3], values }], 'BF16'));
  const read = (await dequantized(await openTensors(file))).find('a')!;
  assert.deepEqual([read.dtype, read.file], ['BF16', file]);
  assert.deepEqual(await readFloat32(read), values);
});

test('a file that is cut off is refused at any length', async () => {
  const bytes = await readFile(path.join(fixtures, 'types.gguf'));
  const file = path.join(folder, 'cut.gguf');
  // Behind the last tensor there may be up to 31 bytes of padding.
  for (let length = 4; length < bytes.length - 31; length += 37) {
    await writeFile(file, bytes.subarray(0, length));
    await assert.rejects(openTensors(file), InputError, String(length));
  }
});

test('the shape before reshaping is one of whole numbers, as many values as there are', async () => {
  const file = path.join(folder, 'reshaped.gguf');
  const open = async (shape: string) => {
    const tensor = { name: 'a', shape: [6], values: new Float32Array(6) };
    await writeFile(file, ggufBytes([tensor], 'F32', { 'comfy.gguf.orig_shape.a': shape }));
    return (await openTensors(file)).find('a')!.shape;
  };
  assert.deepEqual(await open('2,3'), [2, 3]);
  for (const shape of ['-2,-3', '0.5,12', '7', '2,3,x', `6${',1'.repeat(1000)}`])
    await assert.rejects(open(shape), /tensor "a" has the shape/, shape);
});
