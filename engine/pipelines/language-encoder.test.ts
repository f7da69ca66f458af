import assert from 'node:assert/strict';
import path from 'node:path';
import { after, test } from 'node:test';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import { Components } from '../execution/components.ts';
import { NodeBackend } from '../host/node/backend.ts';
import { DiffusionModel } from '../models/diffusion-model.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { LanguageEncoder } from './language-encoder.ts';

const place = path.join(await temporaryFolder(), 'nitro-e');
await writeCheckpoint(place, 'nitro-e');
const model = await DiffusionModel.open(place);
const components = new Components(model, new NodeBackend(1), 1);
after(() => components.release());
const encoder = await LanguageEncoder.open(model, components);

test('a prompt is filled up to the length that the model reads; one that is too long is cut, and what is left out is said', async () => {
  const short = await encoder.encode(['A House ']);
  assert.deepEqual(short.states.dims, [1, 128, 8]);
  assert.deepEqual(short.warnings, []);
  const long = await encoder.encode([`${'house '.repeat(140)}zebra`]);
  assert.deepEqual(long.states.dims, [1, 128, 8]);
  assert.match(long.warnings.join(), /The prompt is too long; this part was left out: .*house zebra$/);
});

test('a prompt is encoded once, whatever its case', async () => {
  const first = await encoder.encode(['a lake', 'dark']);
  assert.ok(first.macs > 0);
  const again = await encoder.encode(['A Lake', 'dark']);
  assert.equal(again.macs, 0);
  assert.deepEqual(again.states.data, first.states.data);
  assert.notDeepEqual((await encoder.encode(['a sea', 'dark'])).states.data, first.states.data);
});
