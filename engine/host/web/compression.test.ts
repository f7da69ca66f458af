import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compression as node } from '../node/compression.ts';
import { compression as web } from './compression.ts';

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >> 5);

for (const [name, here, there] of [
  ['a browser', web, node],
  ['Node', node, web],
] as const) {
  test(`${name} inflates what the other has deflated, and what it has deflated itself`, async () => {
    for (const { deflateRaw } of [here, there]) {
      const deflated = await deflateRaw(bytes);
      assert.ok(deflated.length < bytes.length);
      assert.deepEqual(await here.inflateRaw(deflated, bytes.length), bytes);
    }
    assert.deepEqual(await here.inflateRaw(await here.deflateRaw(Uint8Array.of()), 0), Uint8Array.of());
  });

  test(`${name} reads no more than was asked for, and refuses damaged bytes`, async () => {
    const bomb = await there.deflateRaw(new Uint8Array(50 << 20));
    await assert.rejects(here.inflateRaw(bomb, 1000), RangeError);
    const deflated = await there.deflateRaw(bytes);
    await assert.rejects(here.inflateRaw(deflated.slice(0, 1000), bytes.length));
    await assert.rejects(here.inflateRaw(Uint8Array.of(7, 7, 7), bytes.length));
  });
}
