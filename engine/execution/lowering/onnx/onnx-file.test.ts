import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { NodeBackend } from '../../../backends/node/backend.ts';
import { InputError } from '../../../errors.ts';
import { float32 } from '../../../graph/tensor.ts';
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

/** A model that reads a weight from `location`; if `nested`, in a subgraph. */
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
    // ONNX Runtime would look for external weights in the working directory.
    assert.equal(model.folder, folder);
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

test('weights that link to blobs of the hub’s cache are read, as its tools lay them out; other links are refused', () =>
  inFolder(async (root) => {
    const cache = path.join(root, 'hub');
    const snapshot = path.join(cache, 'models--o--n', 'snapshots', 'c0ffee', 'onnx');
    const blobs = path.join(cache, 'models--o--n', 'blobs');
    const others = path.join(cache, 'models--o--other', 'blobs');
    for (const folder of [snapshot, blobs, others, path.join(root, 'blobs')])
      await mkdir(folder, { recursive: true });
    const weights = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
    for (const file of [
      path.join(blobs, 'hash'),
      path.join(others, 'hash'),
      path.join(cache, 'token'),
      path.join(root, 'blobs', 'hash'),
      path.join(cache, 'models--o--n', 'secret'),
    ])
      await writeFile(file, weights);
    await writeFile(path.join(blobs, 'model'), modelReading('weights.bin'));
    const file = path.join(snapshot, 'm.onnx');
    await symlink('../../../blobs/model', file);
    const link = path.join(snapshot, 'weights.bin');
    for (const target of ['../../../blobs/hash', '../../../../models--o--other/blobs/hash']) {
      await symlink(target, link);
      const { model } = await readOnnxFile(file);
      assert.deepEqual(model.linked, ['weights.bin']);
      const program = await new NodeBackend(1).open(model);
      const { y } = await program.run({ x: float32(Float32Array.of(1, 1, 1, 1), [1, 4]) });
      assert.deepEqual([...(y!.data as Float32Array)], [2, 3, 4, 5]);
      await program.release();
      await rm(link);
    }
    for (const target of ['../../../secret', '../../../../token', '../../../../../blobs/hash']) {
      await symlink(target, link);
      await assert.rejects(
        readOnnxFile(file),
        /a link that leaves the folder of the model; it is not opened/,
      );
      await rm(link);
    }
  }));

/** A field of a protobuf message that holds bytes. */
function field(number: number, ...contents: (Uint8Array | string)[]): Uint8Array {
  const data = Buffer.concat(contents.map((content) => Buffer.from(content as string)));
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(data.length)]), data]);
}

test('default attributes of functions, and every other place of a tensor, are looked at', () =>
  inFolder(async (folder) => {
    const outside = field(13, field(1, 'location'), field(2, '../secret.bin'));
    const tensor = field(5, outside);
    const attributes = {
      t: tensor,
      tensors: field(10, outside),
      g: field(6, field(5, outside)),
      graphs: field(11, field(1, field(5, tensor))),
      sparse: field(22, field(1, outside)),
      indices: field(23, field(2, outside)),
      graphSparse: field(6, field(15, field(1, outside))),
    };
    const file = path.join(folder, 'm.onnx');
    const graph = field(7, field(2, 'g'));
    for (const [name, attribute] of Object.entries(attributes))
      for (const place of [
        field(25, field(11, attribute)),
        field(25, field(7, field(5, attribute))),
        field(20, field(2, field(1, field(5, attribute)))),
        field(7, field(1, field(5, attribute))),
      ]) {
        await writeFile(file, Buffer.concat([graph, place]));
        await assert.rejects(readOnnxFile(file), /"\.\.\/secret\.bin", which is outside/, name);
      }
  }));

test('anything else is refused in one sentence', () =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'm.onnx');
    await assert.rejects(readOnnxFile(file), /Cannot read .*m\.onnx: it does not exist/);
    const whole = modelReading('weights.bin');
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 64 }),
          fc.integer({ min: 0, max: whole.length - 1 }).map((length) => whole.subarray(0, length)),
        ),
        async (bytes) => {
          await writeFile(file, bytes);
          // A truncated model may still be valid; any error must be a sentence for the user.
          await readOnnxFile(file).catch((error) => assert.ok(error instanceof InputError, String(error)));
        },
      ),
      { numRuns: 60 },
    );
  }));

test('a graph of very many nodes is read', () =>
  inFolder(async (folder) => {
    const file = path.join(folder, 'm.onnx');
    // Empty nodes, two bytes each, in a graph whose length takes three bytes.
    const nodes = Buffer.alloc(2 * 300_000, Buffer.of(0x0a, 0));
    const length = Buffer.of(
      (nodes.length & 127) | 128,
      ((nodes.length >> 7) & 127) | 128,
      nodes.length >> 14,
    );
    await writeFile(file, Buffer.concat([Buffer.of(0x3a), length, nodes]));
    assert.equal((await readOnnxFile(file)).inputs.size, 0);
  }));
