import assert from 'node:assert/strict';
import test from 'node:test';
import type { PictureInfo } from '../../shared/gallery.ts';
import { resultOf } from '../../shared/testing.ts';
import { keptRequest, readStoredPicture } from './storedPicture.ts';

const picture: PictureInfo = {
  id: '01234567-89ab-4def-8123-456789abcdef',
  created: 5,
  request: { prompt: 'a house', seed: 7, loras: [{ lora: 'x', strength: 1 }] },
  ...resultOf(),
  warnings: ['cut'],
};
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

test('a picture comes back as it was kept', () => {
  assert.deepEqual(readStoredPicture(bytes(picture), 9), picture);
});

test('the address of a bus is not kept, nor shown where an earlier version kept it', () => {
  const request = { ...picture.request, bus: { url: 'nats://u:s3cret@h' } };
  assert.deepEqual(keptRequest(request), picture.request);
  assert.deepEqual(readStoredPicture(bytes({ ...picture, request }), 9), picture);
});

test('what is no picture is none, and harms no other', () => {
  for (const value of [null, [], 'x', {}, { ...picture, id: '../x' }, { ...picture, recipe: null }])
    assert.equal(readStoredPicture(bytes(value), 9), undefined);
  assert.equal(readStoredPicture(new Uint8Array(5), 9), undefined);
});
