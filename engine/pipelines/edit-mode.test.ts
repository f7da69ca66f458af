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
    assert.equal(
      fasterMode({ steps: 18, missing, share, denseMacs: 6e9 }),
      mode,
      `${missing} missing, ${share}`,
    );
});

test('the less a dense step computes, the smaller a mask must be', () => {
  const mode = (denseMacs: number) => fasterMode({ steps: 18, missing: 0, share: 0.65, denseMacs });
  assert.deepEqual([2e12, 6e9, 1.6e9].map(mode), ['sparse', 'sparse', 'dense']);
});
