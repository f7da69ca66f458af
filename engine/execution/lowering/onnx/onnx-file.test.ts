import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../../errors.ts';
import { OnnxBuilder } from './onnx.ts';
import { readOnnxFile } from './onnx-file.ts';

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A model that reads a weight from `location`, in a part of its graph where `nested`. */
function modelReading(location: string, nested = false): Uint8Array {
  const onnx = new OnnxBuilder();
  const x = onnx.input('x', 'float32', [1, 4]);
  const weight = () =>
    onnx.weight({
      name: 'w',
      dtype: 'F32',
      shape: [4],
      file: `/m/${'a'.repeat(location.length)}`,
      offset: 0,
      length: 16,
    });
  if (nested) {
    const condition = onnx.node('Greater', [onnx.floats([1], []), onnx.floats([0], [])]);
    const both = () => [onnx.node('Add', [x, weight()])];
    onnx.output('y', onnx.branch(condition, [[1, 4]], both, both)[0]!, 'float32', [1, 4]);
  } else onnx.output('y', onnx.node('Add', [x, weight()]), 'float32', [1, 4]);
  // The builder keeps to file names, so another location of the same length is put in its place.
  const bytes = Buffer.from(onnx.encode('m').bytes);
  return Buffer.from(bytes.toString('latin1').replaceAll('a'.repeat(location.length), location), 'latin1');
}

test('a file tells what it takes and gives', () =>
  inFolder(async (folder) => {
    const onnx = new OnnxBuilder();
    const x = onnx.input('x', 'float32', ['batch', 3, 8, 8]);
    onnx.input('ids', 'int64', [1]);
    onnx.output('y', onnx.node('Relu', [x]), 'float32', ['batch', 3, 8, 8]);
    const file = path.join(folder, 'm.onnx');
    await writeFile(file, onnx.encode('m').bytes);
    const { inputs, outputs, model } = await readOnnxFile(file);
    assert.deepEqual(inputs.get('x'), { float32: true, dims: ['batch', 3, 8, 8] });
    assert.equal(inputs.get('ids')!.float32, false);
    assert.deepEqual([...outputs.keys()], ['y']);
    assert.equal(model.folder, undefined);
  }));

test('weights beside the model are read, those outside its folder are refused wherever they are named', () =>
  inFolder(async (folder) => {
    const inside = path.join(folder, 'model');
    await mkdir(inside);
    await writeFile(path.join(folder, 'secret.bin'), 'x');
    await writeFile(path.join(inside, 'weights.bin'), new Uint8Array(16));
    await symlink(path.join(folder, 'secret.bin'), path.join(inside, 'linkedaway.bin'));
    const file = path.join(inside, 'm.onnx');
    for (const nested of [false, true]) {
      await writeFile(file, modelReading('weights.bin', nested));
      assert.equal((await readOnnxFile(file)).model.folder, inside);
      for (const [location, reason] of [
        ['../secret.bin', /outside the folder/],
        ['sub/../../secret.bin', /outside the folder/],
        [path.join(folder, 'secret.bin'), /outside the folder/],
        ['C:\\windows\\win.ini', /outside the folder/],
        ['linkedaway.bin', /leaves the folder/],
        ['missing-file.bin', /does not exist/],
      ] as const) {
        await writeFile(file, modelReading(location, nested));
        await assert.rejects(readOnnxFile(file), (error: Error) => {
          assert.ok(error instanceof InputError);
          assert.match(error.message, reason);
          return true;
        });
      }
    }
  }));

test('anything else is refused in one sentence', () =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'm.onnx');
    await assert.rejects(readOnnxFile(file), /Cannot read .*m\.onnx \(ENOENT\)/);
    const whole = modelReading('weights.bin');
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 64 }),
          fc.integer({ min: 0, max: whole.length - 1 }).map((length) => whole.subarray(0, length)),
        ),
        async (bytes) => {
          await writeFile(file, bytes);
          // A cut model may still be one; whatever is thrown is a sentence for the user.
          await readOnnxFile(file).catch((error) => assert.ok(error instanceof InputError, String(error)));
        },
      ),
      { numRuns: 60 },
    );
  }));
