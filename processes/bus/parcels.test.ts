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
