import assert from 'node:assert/strict';
import test from 'node:test';
import { Recorded } from './recorded.ts';
import { FeatureStore } from './store.ts';

const pass = (bytes: number) => new Recorded([['window.conv', new Int8Array(bytes)]]);

test('what was used longest ago goes first', () => {
  const store = new FeatureStore(100);
  store.put({ picture: 'a', timestep: 1 }, pass(40));
  store.put({ picture: 'a', timestep: 2 }, pass(40));
  assert.ok(store.get({ picture: 'a', timestep: 1 }));
  store.put({ picture: 'b', timestep: 1 }, pass(50));
  assert.equal(store.get({ picture: 'a', timestep: 2 }), undefined);
  assert.ok(store.get({ picture: 'a', timestep: 1 }));
  assert.ok(store.get({ picture: 'b', timestep: 1 }));
  assert.equal(store.bytes, 90);
});

test('a pass is replaced by the next of the same key, and counted once', () => {
  const store = new FeatureStore(100);
  store.put({ picture: 'a', timestep: 1 }, pass(60));
  store.put({ picture: 'a', timestep: 1 }, pass(30));
  assert.equal(store.bytes, 30);
  assert.deepEqual(store.contents(), [{ picture: 'a', timesteps: [1], bytes: 30, deviceBytes: 0 }]);
});

test('a lower limit takes effect at once, a higher one goes as far as the budget', () => {
  const store = new FeatureStore(100);
  for (const timestep of [1, 2, 3]) store.put({ picture: 'a', timestep }, pass(30));
  store.limit(70);
  assert.deepEqual(store.contents(), [{ picture: 'a', timesteps: [2, 3], bytes: 60, deviceBytes: 0 }]);
  store.limit(1000);
  store.put({ picture: 'b', timestep: 1 }, pass(50));
  assert.deepEqual([store.bytes, store.budget], [80, 100]);
});

test('a pass beyond the whole budget is not kept and drives nothing out', () => {
  const store = new FeatureStore(100);
  store.put({ picture: 'a', timestep: 1 }, pass(60));
  store.put({ picture: 'b', timestep: 1 }, pass(101));
  assert.ok(store.get({ picture: 'a', timestep: 1 }));
  assert.equal(store.get({ picture: 'b', timestep: 1 }), undefined);
});

test('what a picture and its edit share is counted once, and stays as long as one of them needs it', () => {
  const store = new FeatureStore(100);
  const base = new Int8Array(80);
  store.put({ picture: 'a', timestep: 1 }, new Recorded([['window.conv', base]]));
  const edited = { base, at: Int32Array.of(3), rows: new Int8Array(10) };
  store.put({ picture: 'b', timestep: 1 }, new Recorded([['window.conv', edited]]));
  assert.equal(store.bytes, 90);
  assert.deepEqual(
    store.contents().map(({ bytes }) => bytes),
    [80, 10],
  );
  store.drop('a');
  assert.equal(store.bytes, 90);
  store.put({ picture: 'c', timestep: 1 }, pass(20));
  assert.equal(store.bytes, 20, 'the edit had to go, and what only it held');
});

test('what was freed with the network that computed it is no longer there', () => {
  const store = new FeatureStore(100);
  const piece = { byteLength: 40, released: false, release: () => {} };
  store.put({ picture: 'a', timestep: 1 }, { pieces: () => [piece] });
  assert.ok(store.get({ picture: 'a', timestep: 1 }));
  piece.released = true;
  assert.equal(store.has({ picture: 'a', timestep: 1 }), false);
  assert.equal(store.get({ picture: 'a', timestep: 1 }), undefined);
  assert.equal(store.bytes, 0);
});

test('main memory and a device’s are counted and limited apart', () => {
  const store = new FeatureStore(100);
  const kept = (byteLength: number) => ({
    pieces: () => [{ byteLength, onDevice: true, release: () => {} }],
  });
  store.put({ picture: 'a', timestep: 1 }, pass(80));
  store.put({ picture: 'b', timestep: 1 }, kept(90));
  assert.deepEqual([store.bytes, store.deviceBytes], [170, 90]);
  assert.deepEqual(
    store.contents().map(({ bytes, deviceBytes }) => [bytes, deviceBytes]),
    [
      [80, 0],
      [90, 90],
    ],
  );
  store.put({ picture: 'c', timestep: 1 }, kept(101));
  assert.equal(store.has({ picture: 'c', timestep: 1 }), false, 'beyond the device’s budget');
  store.limit(80);
  assert.equal(store.bytes, 170, 'what the device holds is not limited by main memory');
  store.limit(50, 'device');
  assert.deepEqual([store.bytes, store.deviceBytes], [80, 0]);
});

test('results of a device that came back to main memory count there', () => {
  const store = new FeatureStore(100);
  const returned = { byteLength: 40, onDevice: false, release: () => {} };
  store.put({ picture: 'a', timestep: 1 }, { pieces: () => [returned] });
  assert.deepEqual([store.bytes, store.deviceBytes], [40, 0]);
});

test('what makes room on a device is freed with the pass after the next, so that few passes are held at once', () => {
  const store = new FeatureStore(10);
  const freed: number[] = [];
  const passes = [0, 1, 2, 3].map((n) => {
    const pieces = [{ byteLength: 8, onDevice: true, release: () => freed.push(n) }];
    return { pieces: () => pieces };
  });
  const held = passes.map((features, timestep) => {
    store.put({ picture: 'a', timestep }, features);
    return timestep + 1 - freed.length;
  });
  assert.deepEqual(held, [1, 2, 2, 2]);
  assert.deepEqual(freed, [0, 1]);
  store.sweep();
  assert.deepEqual(freed, [0, 1, 2]);
});
