import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ParcelReader, sendParcel } from './parcels.ts';

const PAYLOAD = 70_000;

async function messagesOf(head: unknown, body: Uint8Array): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = [];
  const bus = {
    publish: (_: string, data?: unknown) => void messages.push(data as Uint8Array),
    flush: async () => {},
    info: { max_payload: PAYLOAD } as never,
  };
  await sendParcel(bus, 'somewhere', head, body);
  return messages;
}

test('parcels arrive whole, in whatever order and however often their chunks come', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 40_000 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 60 }),
      async (length, order) => {
        const body = Uint8Array.from({ length }, (_, i) => i * 7);
        const messages = await messagesOf({ hello: 'there' }, body);
        assert.ok(messages.every(({ byteLength }) => byteLength <= PAYLOAD));
        const shuffled = [...order.map((i) => messages[i % messages.length]!), ...messages];
        const reader = new ParcelReader(1 << 20);
        const parcels = shuffled.flatMap((message) => reader.read(message) ?? []);
        assert.ok(parcels.length >= 1);
        assert.deepEqual(parcels[0], { head: { hello: 'there' }, body });
      },
    ),
    { numRuns: 30 },
  ));

test('a parcel with a chunk missing never arrives', async () => {
  const messages = await messagesOf({}, new Uint8Array(20_000));
  const reader = new ParcelReader(1 << 20);
  assert.ok(messages.length > 2);
  for (const message of messages.slice(1)) assert.equal(reader.read(message), undefined);
});

test('what is too large, cut, or not a parcel is dropped', async () => {
  const reader = new ParcelReader(10_000);
  for (const message of await messagesOf({}, new Uint8Array(20_000)))
    assert.equal(reader.read(message), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(reader.read(bytes), undefined);
    }),
  );
  const [whole] = await messagesOf({ a: 1 }, new Uint8Array(100));
  for (let length = 0; length < whole!.byteLength; length += 9)
    assert.equal(new ParcelReader(10_000).read(whole!.subarray(0, length)), undefined);
});

/** A message built by hand. */
function message(description: object, chunk = new Uint8Array()): Uint8Array {
  const json = Buffer.from(JSON.stringify(description));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.byteLength);
  return Buffer.concat([length, json, chunk]);
}

test('what is only announced takes no memory, and unfinished parcels take a bounded part of it', () => {
  const most = 256 << 20;
  const reader = new ParcelReader(most);
  for (let i = 0; i < 300; i++)
    assert.equal(
      reader.read(message({ id: `a${i}`, part: 0, parts: 2, bytes: most, at: 0 }, new Uint8Array(100))),
      undefined,
    );
  assert.ok(reader.held < 300 * 1000, `${reader.held}`);
  const small = new ParcelReader(100_000);
  for (let i = 0; i < 20_000; i++) {
    const [id, part] = [`p${i % 300}`, Math.floor(i / 300)];
    small.read(message({ id, part, parts: 1000, bytes: 100_000, at: 10 * part }, new Uint8Array(200)));
    assert.ok(small.held <= 100_000 + 1001 * 256, `${small.held}`);
  }
});

test('chunks that overlap or leave a hole make no parcel', () => {
  for (const [at, bytes] of [
    [5, 20],
    [11, 21],
    [10, 22],
  ] as const) {
    const reader = new ParcelReader(100);
    const chunk = new Uint8Array(10);
    assert.equal(reader.read(message({ id: 'x', part: 0, parts: 2, bytes, at: 0 }, chunk)), undefined);
    assert.equal(reader.read(message({ id: 'x', part: 1, parts: 2, bytes, at }, chunk)), undefined);
    assert.equal(reader.held, 0);
  }
});
