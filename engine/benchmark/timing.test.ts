import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { interleave, median } from './timing.ts';

test('rounds are interleaved, the first is kept apart as warm-up', async () => {
  const order: string[] = [];
  const item = (name: string) => ({ run: async (round: number) => void order.push(`${name}${round}`) });
  const [a, b] = await interleave([item('a'), item('b')], 2);
  assert.deepEqual(order, ['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  assert.equal(a!.seconds.length, 2);
  assert.ok(b!.minSeconds <= b!.medianSeconds && b!.medianSeconds <= b!.maxSeconds);
});

test('what a run leaves to be done is waited for, before the next and outside the time', async () => {
  const order: string[] = [];
  const item = (name: string) => ({
    run: async (round: number) => void order.push(`run ${name}${round}`),
    settle: async () => void order.push(`settle ${name}`),
  });
  await interleave([item('a'), item('b')], 1);
  assert.deepEqual(order.slice(0, 4), ['run a0', 'settle a', 'run b0', 'settle b']);
});

test('an abort stops before the next run', async () => {
  const controller = new AbortController();
  let runs = 0;
  const item = {
    run: async () => {
      if (++runs === 3) controller.abort();
    },
  };
  await assert.rejects(interleave([item], 10, { signal: controller.signal }), { name: 'AbortError' });
  assert.equal(runs, 3);
});

test('as many values lie below the median as above it', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values);
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      assert.ok(below <= values.length / 2 && above <= values.length / 2);
    }),
  );
});
