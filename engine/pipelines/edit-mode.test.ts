import assert from 'node:assert/strict';
import test from 'node:test';
import { fasterMode } from './edit-mode.ts';

test('an edit is sparse where the picture is recorded and the mask is not most of it', () => {
  for (const [missing, share, mode] of [
    [0, 0.05, 'sparse'],
    [0, 0.4, 'sparse'],
    [0, 0.9, 'dense'],
    [0, 1, 'dense'],
    [18, 0.01, 'dense'],
    [5, 0.05, 'sparse'],
    [16, 0.05, 'dense'],
  ] as const)
    assert.equal(fasterMode({ steps: 18, missing, share }), mode, `${missing} missing, ${share}`);
});
