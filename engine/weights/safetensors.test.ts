import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { InputError } from '../errors.ts';
import { readNumber } from './read.ts';
import { openSafetensors } from './safetensors.ts';
import { safetensorsBytes, temporaryFolder } from './testing.ts';
import { type TensorToWrite, writeSafetensors } from './write.ts';

const folder = await temporaryFolder();
let files = 0;
const newFile = () => join(folder, `${files++}.safetensors`);

const tensor = (name: string, dtype: TensorToWrite['dtype'], shape: number[], data: ArrayBufferView) => ({
  name,
  dtype,
  shape,
  chunks: () => [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
});

/** The message with which a file is refused. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const file = newFile();
  await writeFile(file, bytes);
  try {
    await openSafetensors(file);
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    assert.ok(error.message.includes(file), error.message);
    return error.message;
  }
  assert.fail('the file was accepted');
}

test('what is written is read back, whatever the type', async () => {
  const file = newFile();
  const values = [0, -0.5, 1, 65504, 2 ** -24, -3.140625];
  const halves = Uint16Array.of(0x0000, 0xb800, 0x3c00, 0x7bff, 0x0001, 0xc248);
  const brains = Uint16Array.of(0x0000, 0xbf00, 0x3f80, 0x7f80, 0xff80, 0xc049);
  await writeSafetensors(
    file,
    [
      tensor('f32', 'F32', [2, 3], Float32Array.from(values)),
      tensor('f64', 'F64', [6], Float64Array.from(values)),
      tensor('f16', 'F16', [6, 1], halves),
      tensor('bf16', 'BF16', [6], brains),
      tensor('i64', 'I64', [2], BigInt64Array.of(-1n, 2n ** 62n)),
      tensor('i32', 'I32', [2], Int32Array.of(-5, 7)),
      tensor('u8', 'U8', [2], Uint8Array.of(0, 255)),
      tensor('bool', 'BOOL', [2], Uint8Array.of(0, 1)),
      tensor('scalar', 'F32', [], Float32Array.of(7)),
      tensor('empty', 'F32', [0, 4], new Float32Array(0)),
      tensor('__proto__', 'F32', [1], Float32Array.of(8)),
      tensor('ünï "quoted"\n', 'F32', [1], Float32Array.of(9)),
    ],
    { steps: '6' },
  );
  const source = await openSafetensors(file);
  const floats = async (name: string) => [...(await source.readFloat32(source.find(name)!))];
  const integers = async (name: string) => [...(await source.readInt64(source.find(name)!))];
  assert.deepEqual(source.metadata, { steps: '6' });
  assert.equal([...source.names()].length, 12);
  assert.deepEqual(source.find('f32')!.shape, [2, 3]);
  assert.deepEqual(await floats('f32'), values);
  assert.deepEqual(await floats('f64'), values);
  assert.deepEqual(await floats('f16'), values);
  assert.deepEqual(await floats('bf16'), [0, -0.5, 1, Infinity, -Infinity, -3.140625]);
  assert.deepEqual(await integers('i64'), [-1n, 2n ** 62n]);
  assert.deepEqual(await integers('i32'), [-5n, 7n]);
  assert.deepEqual(await integers('u8'), [0n, 255n]);
  assert.deepEqual(await integers('bool'), [0n, 1n]);
  assert.deepEqual(await floats('scalar'), [7]);
  assert.deepEqual(await floats('empty'), []);
  assert.deepEqual(await floats('__proto__'), [8]);
  assert.deepEqual(await floats('ünï "quoted"\n'), [9]);
  assert.equal(source.find('constructor'), undefined);
  await assert.rejects(floats('i64'), /"i64" has type I64 where floating-point numbers/);
  await assert.rejects(integers('f32'), InputError);
});

test('tensors of types that are not read do no harm until they are needed', async () => {
  const header = {
    a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
    f8: { dtype: 'F8_E4M3', shape: [3], data_offsets: [4, 7] },
    u16: { dtype: 'U16', shape: [1], data_offsets: [7, 9] },
    new: { dtype: 'F4_NEW', shape: [3], data_offsets: [9, 11] },
  };
  const file = newFile();
  await writeFile(file, safetensorsBytes(JSON.stringify(header), new Uint8Array(11)));
  const source = await openSafetensors(file);
  assert.deepEqual([...(await source.readFloat32(source.find('a')!))], [0]);
  for (const name of ['f8', 'u16', 'new']) {
    await assert.rejects(source.readFloat32(source.find(name)!), /has type \w+ where floating-point/);
    await assert.rejects(source.readInt64(source.find(name)!), InputError);
  }
});

test('a number by itself is read whatever its type: tools write alphas as they come', async () => {
  const views = {
    F64: Float64Array,
    F32: Float32Array,
    I64: BigInt64Array,
    I32: Int32Array,
    I16: Int16Array,
  };
  const unsigned = { U64: BigUint64Array, U32: Uint32Array, U16: Uint16Array, U8: Uint8Array };
  for (const [dtype, View] of Object.entries({ ...views, I8: Int8Array, ...unsigned }))
    for (const shape of [[], [1], [1, 1]]) {
      const value = View === BigInt64Array || View === BigUint64Array ? 200n : dtype === 'I8' ? 100 : 200;
      const data = new Uint8Array((View as Uint8ArrayConstructor).of(value as number).buffer);
      const file = newFile();
      const header = { odd: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] } };
      const alpha = { dtype, shape, data_offsets: [1, 1 + data.length] };
      await writeFile(
        file,
        safetensorsBytes(JSON.stringify({ ...header, alpha }), Uint8Array.of(1, ...data)),
      );
      const source = await openSafetensors(file);
      assert.equal(await readNumber(source.find('alpha')!), Number(value), `${dtype} ${shape}`);
    }
});

test('tensors longer than a chunk are read whole', async () => {
  const file = newFile();
  const data = Float32Array.from({ length: (1 << 20) + 5 }, (_, i) => i);
  await writeSafetensors(file, [
    tensor('a', 'F32', [1], data.subarray(0, 1)),
    tensor('b', 'F32', [data.length], data),
  ]);
  const source = await openSafetensors(file);
  assert.deepEqual(await source.readFloat32(source.find('b')!), data);
});

test('a file that shrinks after it was opened is noticed', async () => {
  const file = newFile();
  await writeSafetensors(file, [tensor('a', 'F32', [4], new Float32Array(4))]);
  const source = await openSafetensors(file);
  await truncate(file, (await readFile(file)).length - 3);
  await assert.rejects(source.readFloat32(source.find('a')!), /ended early/);
});

test('files that are cut off, too long, or no files', async () => {
  const good = safetensorsBytes('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', new Uint8Array(4));
  for (let length = 0; length < good.length; length++) await refusal(good.subarray(0, length));
  assert.match(
    await refusal(new Uint8Array([...good, 0])),
    /1 bytes at the end belong to no tensor.*save it again/,
  );
  assert.match(await refusal(safetensorsBytes('{}', new Uint8Array(0), 2n ** 63n)), /longer than the file/);
  await assert.rejects(openSafetensors(join(folder, 'none.safetensors')), /does not exist/);
  await assert.rejects(openSafetensors(folder), /is not a file/);
});

test('a header over the bound is refused before it is read', async () => {
  const file = newFile();
  await writeFile(file, safetensorsBytes('', new Uint8Array(0), 100_000_001n));
  await truncate(file, 200_000_000);
  await assert.rejects(openSafetensors(file), /larger than 100000000 bytes/);
});

test('headers that contradict the format or themselves', async () => {
  const entry = (values: object) =>
    JSON.stringify({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...values } });
  const four = new Uint8Array(4);
  const cases: [string | Uint8Array, RegExp][] = [
    ['', /not valid JSON/],
    ['[]', /not a JSON object/],
    ['null', /not a JSON object/],
    ['{"a":', /not valid JSON/],
    [Uint8Array.of(0x7b, 0xff, 0x7d), /UTF-8/],
    [Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), /not valid JSON/],
    ['{"a":5}', /"a" is not described/],
    ['{"a":{}}', /"a" has no valid type/],
    [entry({ dtype: 'F8_E4M3' }), /"a" of type F8_E4M3 and shape \[1\] does not fit its 4 bytes/],
    [entry({ dtype: 'toString' }), /no valid type/],
    [entry({ dtype: 'A'.repeat(40) }), /no valid type/],
    [entry({ shape: [1.5] }), /"a" has no valid shape/],
    [entry({ shape: [-1] }), /no valid shape/],
    [entry({ shape: ['1'] }), /no valid shape/],
    [entry({ shape: null }), /no valid shape/],
    [entry({ shape: new Array(17).fill(1) }), /no valid shape/],
    [entry({ shape: [2 ** 52, 2 ** 52] }), /does not fit/],
    [entry({ shape: [2 ** 30, 2 ** 30, 2 ** 30, 2 ** 30] }), /does not fit/],
    [entry({ shape: [2] }), /does not fit its 4 bytes/],
    [entry({ dtype: 'F16' }), /does not fit its 4 bytes/],
    [entry({ data_offsets: [0] }), /no valid offsets/],
    [entry({ data_offsets: [0, 4, 8] }), /no valid offsets/],
    [entry({ data_offsets: [-4, 0] }), /no valid offsets/],
    [entry({ data_offsets: [0, 2 ** 53] }), /no valid offsets/],
    [entry({ data_offsets: [4, 0] }), /ends before it begins/],
    [entry({ data_offsets: [4, 8] }), /beyond the end/],
    [entry({ data_offsets: [1, 5] }), /beyond the end/],
    [entry({ shape: [0], data_offsets: [0, 0] }), /belong to no tensor/],
    ['{"__metadata__":[]}', /__metadata__/],
    ['{"__metadata__":{"a":1}}', /__metadata__/],
    [JSON.stringify({ ['n'.repeat(1025)]: {} }), /over-long name/],
    ['{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', /empty/],
    [
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}',
      /key "a" twice/,
    ],
    ['{"a":{"dtype":"F32","dtype" :"I32","shape":[1],"data_offsets":[0,4]}}', /key "dtype" twice/],
    ['{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}', /nested too deep/],
  ];
  for (const [header, message] of cases) assert.match(await refusal(safetensorsBytes(header, four)), message);

  const two = (a: number[], b: number[]) =>
    JSON.stringify({
      a: { dtype: 'U8', shape: [a[1]! - a[0]!], data_offsets: a },
      b: { dtype: 'U8', shape: [b[1]! - b[0]!], data_offsets: b },
    });
  assert.match(await refusal(safetensorsBytes(two([0, 3], [2, 4]), four)), /"b" overlaps/);
  assert.match(await refusal(safetensorsBytes(two([0, 1], [2, 4]), four)), /"b" leaves a hole/);
});

test('headers made to fill the memory or the stack', async () => {
  const four = new Uint8Array(4);
  assert.match(await refusal(safetensorsBytes('['.repeat(3_000_000), four)), /nested too deep/);
  assert.match(await refusal(safetensorsBytes(`{"a":[${'[],'.repeat(1_000_000)}[]]}`, four)), /more than/);
  assert.match(await refusal(safetensorsBytes(`{"${'\\"'.repeat(3_000_000)}":1}`, four)), /over-long name/);
  const keys = Array.from({ length: 1_300_000 }, (_, i) => `"${i}":1`);
  assert.match(await refusal(safetensorsBytes(`{${keys.join()}}`, four)), /too many texts/);
});

test('a failed or aborted write leaves nothing', async () => {
  const target = join(await temporaryFolder(), 'x.safetensors');
  const broken = { ...tensor('a', 'F32', [2], new Float32Array(2)), chunks: () => [new Uint8Array(4)] };
  await assert.rejects(writeSafetensors(target, [broken]), RangeError);
  const abort = new AbortController();
  abort.abort();
  const good = tensor('a', 'F32', [2], new Float32Array(2));
  await assert.rejects(writeSafetensors(target, [good], {}, abort.signal), { name: 'AbortError' });
  await assert.rejects(writeSafetensors(target, [good, good]), RangeError);
  assert.deepEqual(await readdir(join(target, '..')), []);
  await assert.rejects(writeSafetensors(join(target, 'y', 'z.safetensors'), [good]), /folder does not exist/);
});
