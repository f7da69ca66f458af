import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

const { workspace } = await import('../../test/support/vscode/stub.ts');
const { forgetModel, isActive, useModel } = await import('./chosen.ts');

const { getConfiguration } = workspace;
afterEach(() => Object.assign(workspace, { getConfiguration }));

/** The user's settings, as they are changed. */
function settings(values: Record<string, unknown> = {}): Record<string, unknown> {
  Object.assign(workspace, {
    getConfiguration: () => ({
      get: (name: string) => values[name],
      inspect: (name: string) => ({ globalValue: values[name] }),
      async update(name: string, value: unknown) {
        if (value === undefined) delete values[name];
        else values[name] = value;
      },
    }),
  });
  return values;
}

const model = (id: string, purpose: Parameters<typeof forgetModel>[1]) => ({
  id,
  purpose,
  folder: `/${id}`,
  bytes: 1,
  removable: true,
});

test('what was chosen is taken out of the settings when it is removed', async () => {
  for (const purpose of ['pictures', 'edits', 'lora', 'autoencoder', 'text', 'decoder'] as const) {
    const values = settings();
    await useModel('owner/name', purpose);
    assert.ok(isActive(model('owner/name', purpose)), purpose);
    await forgetModel('owner/name', purpose);
    assert.deepEqual(values, {}, purpose);
  }
});

test('what the settings name beside it stays', async () => {
  const others = { model: 'a/b', vae: 'a/b', textEncoder: 'a/b', loras: { 'c/d': 0.5 }, decoder: 'fast' };
  const values = settings({ ...others, loras: { 'c/d': 0.5, 'owner/name': 1 } });
  await forgetModel('owner/name', 'lora');
  assert.deepEqual(values, others);
});
