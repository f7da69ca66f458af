import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { NodeBackend } from '../backends/node/backend.ts';
import { InputError } from '../errors.ts';
import { PLANAR } from '../execution/forms/form.ts';
import { NetworkBuilder, weightsOf } from '../graph/network.ts';
import { floats, int64 } from '../graph/tensor.ts';
import { gaussianTensor } from '../noise.ts';
import { readFloat32 } from './read.ts';
import { openSafetensors } from './safetensors.ts';
import { temporaryFolder } from './testing.ts';
import { rowsOf, transposedOf } from './views.ts';
import { WeightTable } from './weight-table.ts';
import { type TensorToWrite, writeSafetensors } from './write.ts';

const folder = await temporaryFolder();
const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const tensor = (
  name: string,
  dtype: TensorToWrite['dtype'],
  shape: readonly number[],
  data: ArrayBufferView,
) => ({
  name,
  dtype,
  shape,
  chunks: () => [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
});

/** A weight of these dimensions as bytes with a scale for each row, and as the float32 numbers that they stand for. */
function both(name: string, shape: readonly number[]) {
  const bytes = Int8Array.from({ length: count(shape) }, (_, i) => ((i * 73 + 11) % 255) - 127);
  const scales = Float32Array.from({ length: shape[0]! }, (_, i) => (i + 1) / 4096);
  const each = bytes.length / scales.length;
  const values = Float32Array.from(bytes, (byte, i) => byte * scales[Math.floor(i / each)]!);
  const dims = [shape[0]!, ...shape.slice(1).map(() => 1)];
  const floats = [tensor(name, 'F32', shape, values)];
  // As in a file: vectors stay as they are.
  if (dims.length === 1) return { bytes: floats, floats };
  return {
    bytes: [tensor(name, 'I8', shape, bytes), tensor(`${name}_scale`, 'F32', dims, scales)],
    floats,
  };
}

test('a network computes the same with bytes and scales as with the numbers that they stand for', async () => {
  const net = new NetworkBuilder();
  const x = net.convolution('first', net.inputMap('x', 4, 0), 8);
  net.output('y', net.convolution('last', x, 6, { kernel: 1 }));
  net.output('rows', net.tokenEmbedding('table', net.inputIds('ids'), 10, 5));
  const network = net.build('small');
  const weights = weightsOf(network).map(({ name, shape }) => both(name, shape));
  const inputs = {
    x: gaussianTensor(1, 0, [1, 4, 6, 5]),
    ids: int64(BigInt64Array.of(9n, 0n, 3n), [1, 3]),
  };
  const results = [];
  for (const kind of ['bytes', 'floats'] as const) {
    const file = join(folder, `${kind}.safetensors`);
    await writeSafetensors(
      file,
      weights.flatMap((weight) => weight[kind]),
    );
    const source = await openSafetensors(file);
    const program = await new NodeBackend(1).compile(network, new WeightTable(network, source), PLANAR);
    results.push(await program.run(inputs));
    await program.release();
  }
  for (const name of ['y', 'rows']) assert.deepEqual(floats(results[0]!, name), floats(results[1]!, name));
});

test('the rows of a matrix, and a matrix stored the other way round, keep their scales', async () => {
  const file = join(folder, 'views.safetensors');
  const {
    bytes,
    floats: [plain],
  } = both('m', [6, 4]);
  await writeSafetensors(file, [...bytes, { ...plain!, name: 'plain' }]);
  const source = await openSafetensors(file);
  const [ours, theirs] = [source.find('m')!, source.find('plain')!];
  assert.deepEqual(await readFloat32(ours), await readFloat32(theirs));
  assert.deepEqual(await readFloat32(rowsOf(ours, 2, 3)), await readFloat32(rowsOf(theirs, 2, 3)));
  assert.deepEqual(await readFloat32(transposedOf(ours)), await readFloat32(transposedOf(theirs)));
});

test('a scale that does not fit its matrix is refused, and both are named', async () => {
  for (const [dtype, shape] of [
    ['F32', [5, 1]],
    ['F32', [6, 4]],
    ['I32', [6, 1]],
  ] as const) {
    const file = join(folder, 'wrong.safetensors');
    const data = dtype === 'F32' ? new Float32Array(count(shape)) : new Int32Array(count(shape));
    await writeSafetensors(file, [both('m', [6, 4]).bytes[0]!, tensor('m_scale', dtype, shape, data)]);
    await assert.rejects(openSafetensors(file), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /wrong\.safetensors: tensor "m_scale" .* no scale for each row of "m"/);
      return true;
    });
  }
});
