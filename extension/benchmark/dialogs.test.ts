import '../../test/support/vscode/register.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../shared/benchmark/testing.ts';
import { isFileName } from '../../shared/fileNames.ts';

await import('../../test/support/vscode/stub.ts');
const { exportName } = await import('./dialogs.ts');

test('the name of an export is one of a file, whatever the model is called', () => {
  const named = (model: string) => {
    const { report, ...rest } = run();
    return exportName({ ...rest, report: { ...report, model, date: '2026-01-02T03:04:05.000Z' } }, 'csv');
  };
  assert.equal(named('sd15'), 'patchwork-sd15-2026-01-02.csv');
  assert.equal(named('stabilityai/sd-turbo'), 'patchwork-stabilityai-sd-turbo-2026-01-02.csv');
  for (const model of ['/models/lake', '../../x', 'C:\\models', '', '…'])
    assert.ok(isFileName(named(model)), named(model));
});
