import assert from 'node:assert/strict';
import test from 'node:test';
import { FeatureStore } from './store.ts';

const pass = (bytes: number) => new Map([['window.conv', new Int8Array(bytes)]]);

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
  assert.deepEqual(store.contents(), [{ picture: 'a', timesteps: [1], bytes: 30 }]);
});

test('a lower limit takes effect at once, a higher one goes as far as the budget', () => {
  const store = new FeatureStore(100);
  for (const timestep of [1, 2, 3]) store.put({ picture: 'a', timestep }, pass(30));
  store.limit(70);
  assert.deepEqual(store.contents(), [{ picture: 'a', timesteps: [2, 3], bytes: 60 }]);
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
