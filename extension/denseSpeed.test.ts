import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStorage } from '../test/support/storage.ts';
import { DenseSpeed, type DenseStep, denseStepOf } from './denseSpeed.ts';

const step = (change: Partial<DenseStep> = {}): DenseStep => ({
  model: '',
  precision: 'fp32',
  threads: 0,
  macs: 100,
  ...change,
});

test('nothing is claimed before a step was seen, or of others', async () => {
  const speed = new DenseSpeed(new MemoryStorage());
  assert.equal(speed.stepTime(step()), undefined);
  await speed.note(step(), []);
  await speed.note(step(), [1]);
  for (const other of [{ model: 'm' }, { precision: 'int8' }, { threads: 1 }])
    assert.equal(speed.stepTime(step(other)), undefined);
});

test('the median of the nearest size, by operations', async () => {
  const speed = new DenseSpeed(new MemoryStorage());
  await speed.note(step(), [1, 2]);
  await speed.note(step(), [30]);
  await speed.note(step({ macs: 1000 }), [10]);
  assert.deepEqual(speed.stepTime(step({ macs: 200 })), { seconds: 4, steps: 3 });
  assert.deepEqual(speed.stepTime(step({ macs: 500 })), { seconds: 5, steps: 1 });
});

test('where only the same size counts, others say nothing', async () => {
  const speed = new DenseSpeed(new MemoryStorage());
  await speed.note(step({ macs: 1000 }), [10]);
  assert.equal(speed.stepTime(step({ macs: 900 }), { sameSize: true }), undefined);
  assert.deepEqual(speed.stepTime(step({ macs: 1000 }), { sameSize: true }), { seconds: 10, steps: 1 });
});

test('it is remembered, but not of another machine, nor what is damaged', async () => {
  const memory = new MemoryStorage();
  await new DenseSpeed(memory, 'a').note(step(), [1]);
  assert.equal(new DenseSpeed(memory, 'a').stepTime(step())?.seconds, 1);
  assert.equal(new DenseSpeed(memory, 'b').stepTime(step()), undefined);
  await memory.update('patchwork.fullSteps', [null, { macs: 'x' }, 5]);
  assert.equal(new DenseSpeed(memory, 'a').stepTime(step()), undefined);
});

test('a step with guidance takes twice the operations of one without', async () => {
  const recipe = { precision: 'fp32' as const, guidance: 4, width: 256, height: 256 };
  const guided = await denseStepOf({}, recipe);
  const alone = await denseStepOf({}, { ...recipe, guidance: 1 });
  assert.equal(guided.macs, 2 * alone.macs);
  assert.equal((guided.macs / 1e9).toFixed(1), '1.5');
});
