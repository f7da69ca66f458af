import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import { InputError } from '../../errors.ts';
import { openEmbedding } from '../embeddings.ts';
import { readFloat32, readInt64 } from '../read.ts';
import { openTensors } from '../tensor-file.ts';
import { temporaryFolder } from '../testing.ts';
import { unpickle } from './machine.ts';
import { tensorsIn } from './tensors.ts';

const fixtures = path.join(import.meta.dirname, '../../../test/fixtures/pickles');
const folder = await temporaryFolder();
const counted = (count: number, start = 0) => Array.from({ length: count }, (_, i) => start + i);

/** What `make.py` has put into the state dictionary. */
const WEIGHTS: Record<string, [dtype: string, shape: number[], values: number[]]> = {
  'a.weight': ['F32', [2, 3], counted(6)],
  'a.bias': ['F16', [4], counted(4, 0.5)],
  'b.weight': ['BF16', [3, 2], counted(6, 7)],
  'd.view': ['F32', [2, 6], counted(12, 106)],
  'e.transposed': ['F32', [5, 2], [0, 5, 1, 6, 2, 7, 3, 8, 4, 9]],
  'f.parameter': ['F32', [3], counted(3, 9)],
  'g.scalar': ['F32', [], [2.5]],
};

for (const file of ['checkpoint.pt', 'checkpoint.legacy.pt', 'plain.pt', 'plain.legacy.pt'])
  test(`${file}: every tensor of the state dictionary, and nothing else`, async () => {
    const source = await openTensors(path.join(fixtures, file));
    assert.deepEqual([...source.names()].sort(), [...Object.keys(WEIGHTS), 'c.ids'].sort());
    for (const [name, [dtype, shape, values]] of Object.entries(WEIGHTS)) {
      const tensor = source.find(name)!;
      assert.equal(tensor.dtype, dtype, name);
      assert.deepEqual(tensor.shape, shape, name);
      assert.deepEqual([...(await readFloat32(tensor))], values, name);
    }
    assert.deepEqual([...(await readInt64(source.find('c.ids')!))], [1n, -2n]);
    if (file.startsWith('checkpoint')) assert.equal(source.metadata.global_step, '875000');
  });

for (const ending of ['pt', 'legacy.pt'])
  test(`textual inversions and nested dictionaries, ${ending}`, async () => {
    const inversion = await openTensors(path.join(fixtures, `inversion.${ending}`));
    assert.deepEqual([...(await readFloat32(inversion.find('string_to_param.*')!))], counted(8));
    assert.deepEqual(inversion.find('string_to_param.*')!.shape, [2, 4]);
    assert.equal(inversion.metadata.name, 'toy');
    const nested = await openTensors(path.join(fixtures, `nested.${ending}`));
    assert.deepEqual([...nested.names()], ['params_ema.conv.weight']);
  });

test('a textual inversion of PyTorch is a trained word by its file’s name', async () => {
  const [word, ...others] = await openEmbedding(path.join(fixtures, 'inversion.pt'));
  assert.deepEqual([word!.names, word!.vectors.any!.shape, others], [['inversion'], [2, 4], []]);
});

for (const file of ['evil.pt', 'evil.legacy.pt'])
  test(`${file}: a call of the system is refused by its name, and not run`, async () => {
    await assert.rejects(openTensors(path.join(fixtures, file)), (error: Error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /evil.*names "(posix|os)\.system".*nothing of it was run/);
      return true;
    });
  });

test('a view with gaps is refused by name where it is read; what lies beside it is read', async () => {
  const source = await openTensors(path.join(fixtures, 'strided.pt'));
  await assert.rejects(readFloat32(source.find('w')!), /tensor "w" has type F32 with gaps \(strides 6,2\)/);
  assert.deepEqual([...(await readFloat32(source.find('whole')!))], [0, 1]);
});

for (const file of ['ordered.pt', 'ordered.legacy.pt'])
  test(`${file}: axes in another order, as channels last, by newer protocols`, async () => {
    const source = await openTensors(path.join(fixtures, file));
    const [last, permuted] = [source.find('channels_last')!, source.find('permuted')!];
    assert.deepEqual(last.axes, [0, 2, 3, 1]);
    assert.deepEqual([...(await readFloat32(last))], counted(24));
    assert.deepEqual(permuted.shape, [4, 2, 3]);
    const expected = counted(24).map((_, i) => (i % 6) * 4 + Math.floor(i / 6));
    assert.deepEqual([...(await readFloat32(permuted))], expected);
  });

test('a bare pickle, and one cut off at any place, are refused with a sentence', async () => {
  const bare = path.join(folder, 'bare.pkl');
  await writeFile(bare, Uint8Array.of(0x80, 4, 0x95, 0, 0, 0));
  await assert.rejects(openTensors(bare), /is a pickle, but none of the formats/);
  for (const name of ['plain.pt', 'plain.legacy.pt']) {
    const bytes = await readFile(path.join(fixtures, name));
    const file = path.join(folder, name);
    for (let length = 0; length < bytes.length; length += 7) {
      await writeFile(file, bytes.subarray(0, length));
      await assert.rejects(openTensors(file), InputError, String(length));
    }
  }
});

test('opcodes that no checkpoint needs are refused', () => {
  // INST: `(` `i` module name, which old pickles call with.
  const inst = new TextEncoder().encode('(ios\nsystem\n.');
  assert.throws(() => unpickle(inst, 'x'), /opcode 0x69 at byte 1/);
  // A dictionary that holds itself, many times over, is read once.
  const own = Uint8Array.of(0x7d, 0x71, 0, 0x58, 1, 0, 0, 0, 0x61, 0x68, 0, 0x73, 0x2e);
  assert.ok(unpickle(own, 'x').value);
});

test('lists that stand for a name, and parameters of parameters without end, are refused', async () => {
  // Each of 40 lists holds the one before it twice: as a text it would have 2^40 signs.
  const doubled = [0x5d, ...Array.from({ length: 40 }, () => [0x32, 0x86]).flat()];
  assert.throws(
    () => unpickle(Uint8Array.of(...doubled, 0x8c, 1, 0x61, 0x93, 0x2e), 'x'),
    /a name is no text/,
  );
  const { value } = unpickle(
    Uint8Array.of(
      ...Uint8Array.of(0x7d, 0x8c, 1, 0x61),
      ...new TextEncoder().encode('ctorch._utils\n_rebuild_parameter\n'),
      // An argument list that is given the call itself.
      ...Uint8Array.of(0x5d, 0x71, 0, 0x52, 0x71, 1, 0x68, 0, 0x68, 1, 0x61, 0x30, 0x73, 0x2e),
    ),
    'x',
  );
  const find = () => assert.fail('there is no storage');
  assert.throws(() => tensorsIn(value, 'x', find), /nested too deep/);
});
