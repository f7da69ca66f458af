import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_RECORD } from '../execution/crops/region-autoencoder.ts';
import { float32 } from '../graph/tensor.ts';
import { Recorded } from '../regions/recorded.ts';
import { FeatureStore } from '../regions/store.ts';
import { type Analysis, decodedImage, type EditCache, findAnalysis, keepAnalysis } from './edit-cache.ts';

const window = { left: 0, top: 0, width: 2, height: 1 };
const planes = Float32Array.of(1, 2, 3, 4, 5, 6);
const data = Float32Array.of(6, 5, 4, 3, 2, 1);

function analysisOf(id: string, record: Recorded | ReadonlyMap<string, Float32Array>): Analysis {
  const text = float32(new Float32Array(), [1, 0, 1]);
  const trajectory = {
    id,
    latent: new Float32Array(),
    noise: new Float32Array(),
    condition: { text, guidance: 1 },
  };
  return { window, trajectory, decoded: { data, record, macs: 0 } };
}

async function kept(memory: EditCache, analysis: Analysis): Promise<Analysis> {
  await keepAnalysis(memory, 'owner', planes, 1, analysis);
  return (await findAnalysis(memory, 'owner', planes, window, 1))!;
}

test('what a decoder recorded counts in the store, is read from it, and may be gone', async () => {
  const features = new FeatureStore(100);
  const memory: EditCache = { features, analyses: new Map() };
  const record = new Recorded([['rows', new Int8Array(60)]]);
  const analysis = await kept(memory, analysisOf('image', record));
  assert.equal(features.bytes, 60);
  assert.deepEqual(features.contents(), [{ picture: 'image', timesteps: [], bytes: 60 }]);
  assert.equal(analysis.decoded!.record.size, 0);
  assert.deepEqual(decodedImage(memory, analysis, planes), { data, record });

  features.put({ picture: 'other', timestep: 1 }, new Recorded([['rows', new Int8Array(80)]]));
  assert.equal(features.bytes, 80);
  assert.deepEqual(decodedImage(memory, analysis, planes), { data, record: NO_RECORD });
});

test('a small record stays with the image', async () => {
  const features = new FeatureStore(100);
  const memory: EditCache = { features, analyses: new Map() };
  const record = new Map([['moments', Float32Array.of(1)]]);
  const analysis = await kept(memory, analysisOf('image', record));
  assert.equal(features.bytes, 0);
  assert.equal(decodedImage(memory, analysis, planes).record, record);
  const never = { trajectory: analysis.trajectory, decoded: undefined };
  assert.deepEqual(decodedImage(memory, never, planes), { data: planes, record: NO_RECORD });
});
