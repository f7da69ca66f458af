import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import test from 'node:test';
import type { AdditionsHostMessage } from '../../shared/additions.ts';
import { MemoryStorage } from '../../test/support/storage.ts';

await import('../../test/support/vscode/stub.ts');
const { AdditionsHost } = await import('./host.ts');
const { LastModels } = await import('./lastModels.ts');

test('a control image is read by the ControlNet of Scenes; for other models, by the one that was chosen last', async () => {
  const lastModels = new LastModels(new MemoryStorage());
  await lastModels.note('controls', '/models/canny');
  const kept = { keep: async () => 'name' } as never;
  const given: AdditionsHostMessage[] = [];
  for (const model of [undefined, '', 'scenes', 'owner/name']) {
    const host = new AdditionsHost(
      { kept, lastModels },
      () => model,
      (message) => given.push(message),
    );
    await host.give(
      { list: 'controls', field: 'picture', at: -1 },
      { name: 'a.png', bytes: Uint8Array.of(1) },
    );
  }
  const models = given.map((message) => message.type === 'chosen' && message.model);
  assert.deepEqual(models, ['scenes-control', 'scenes-control', 'scenes-control', '/models/canny']);
});
