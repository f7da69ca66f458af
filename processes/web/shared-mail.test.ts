import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MissingFeaturesError } from '../../engine/execution/bands/mailbox.ts';
import { type Letter, SharedMail } from './shared-mail.ts';

/** Workers whose letters reach all others, as an engine passes them on. */
function workers(count: number): SharedMail[] {
  const all: SharedMail[] = Array.from({ length: count }, (_, i) => {
    const others = () => all.filter((_, at) => at !== i);
    return new SharedMail((letter: Letter) => {
      for (const other of others()) other.receive(letter);
    });
  });
  return all;
}

const bytes = (...values: number[]) => Uint8Array.from(values);
const slots = (...lengths: number[]) => lengths.map((length) => new Uint8Array(length));

test('letters reach the band they are for, or all, part by part', async () => {
  const [a, b, c] = workers(3).map((mail, band) => mail.open('job', band));
  await a!.post(0, 'all', [bytes(1, 2), bytes(), bytes(3)]);
  await a!.post(0, 2, [bytes(9)]);
  for (const reader of [b!, c!]) {
    const parts = slots(2, 0, 1);
    await reader.fetch(0, 0, 'all', parts);
    assert.deepEqual(parts, [bytes(1, 2), bytes(), bytes(3)]);
  }
  const [part] = slots(1);
  await c!.fetch(0, 0, 2, [part!]);
  assert.deepEqual(part, bytes(9));
});

test('what is missing, of another step, length or job is not read', async () => {
  const [first, second] = workers(2);
  const [a, b] = [first!.open('job', 0), second!.open('job', 1)];
  await a.post(1, 'all', [bytes(1, 2)]);
  for (const [step, length] of [
    [0, 2],
    [2, 2],
    [3, 2],
    [1, 3],
    [1, 1],
  ] as const)
    await assert.rejects(b.fetch(step, 0, 'all', slots(length)), MissingFeaturesError, `${step} ${length}`);
  const next = second!.open('next', 1);
  await a.post(1, 'all', [bytes(1, 2)]);
  await assert.rejects(next.fetch(1, 0, 'all', slots(2)), MissingFeaturesError);
});

test('a step and the one before it can be read at once', async () => {
  const [a, b] = workers(2).map((mail, band) => mail.open('job', band));
  for (let step = 0; step < 5; step++) {
    await a!.post(step, 'all', [bytes(step)]);
    for (const at of [step - 1, step].filter((at) => at >= 0)) {
      const [slot] = slots(1);
      await b!.fetch(at, 0, 'all', [slot!]);
      assert.deepEqual(slot, bytes(at));
    }
  }
});
