import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EditResult } from '../../shared/api.ts';
import { recipeOf, resultOf } from '../../shared/testing.ts';
import { MemoryStorage } from '../../test/support/storage.ts';
import { DenseSpeed } from '../denseSpeed.ts';
import { fullRecomputeTime } from './cost.ts';

const level = { cell: 4, left: 0, top: 0, width: 1, height: 1, positions: new Uint8Array(1) };

/** An edit of six computed steps of a second each, dense or sparse. */
function edited(stepPlan: string | undefined, mode: 'dense' | 'sparse'): EditResult {
  const stepSeconds = new Array<number>(6).fill(mode === 'dense' ? 1 : 0.1);
  const seconds = stepSeconds.reduce((sum, time) => sum + time, 0);
  return {
    ...resultOf({ ...recipeOf(), ...(stepPlan && { stepPlan }) }),
    picture: { png: new Uint8Array(), width: 256, height: 256 },
    mode,
    seconds,
    stepSeconds,
    activeFraction: [],
    denseMacs: 0,
    computed: mode === 'dense' ? [] : [level],
    recordedSteps: 0,
    recordSeconds: [],
    recordingMacs: 0,
  };
}

const request = { prompt: 'a house', image: new Uint8Array() };

test('a full recompute is timed by computed steps, with forecasts between them or without', async () => {
  for (const stepPlan of [undefined, 'FF-F-F-F-F']) {
    const speed = new DenseSpeed(new MemoryStorage());
    assert.equal(await fullRecomputeTime(speed, request, edited(stepPlan, 'sparse')), undefined);
    const dense = await fullRecomputeTime(speed, request, edited(stepPlan, 'dense'));
    assert.deepEqual(dense, { seconds: 6, measured: true });
    const estimate = await fullRecomputeTime(speed, request, edited(stepPlan, 'sparse'));
    assert.ok(Math.abs(estimate!.seconds - 6) < 0.01 && !estimate!.measured, `${estimate?.seconds} s`);
  }
});

test('a full recompute without guidance takes half of one with it, until it was timed itself', async () => {
  const speed = new DenseSpeed(new MemoryStorage());
  const timeOf = (stepPlan: string | undefined, mode: 'dense' | 'sparse') =>
    fullRecomputeTime(speed, request, edited(stepPlan, mode));
  await timeOf(undefined, 'dense');
  const plan = 'PPPPPP @budget/few.safetensors';
  const half = await timeOf(plan, 'sparse');
  assert.ok(Math.abs(half!.seconds - 3) < 0.01 && !half!.measured, `${half?.seconds} s`);
  assert.deepEqual(await timeOf(plan, 'dense'), { seconds: 6, measured: true });
  assert.equal((await timeOf(plan, 'sparse'))!.seconds.toFixed(2), '6.00');
});

test('what is computed beside the steps takes as long as in a full recompute of this size', async () => {
  const speed = new DenseSpeed(new MemoryStorage());
  const lasting = (mode: 'dense' | 'sparse', others: number) => {
    const result = edited(undefined, mode);
    return fullRecomputeTime(speed, request, { ...result, seconds: result.seconds + others });
  };
  assert.equal((await lasting('dense', 2))!.seconds.toFixed(2), '8.00');
  assert.equal((await lasting('sparse', 0.5))!.seconds.toFixed(2), '8.00');
  assert.equal((await lasting('sparse', 3))!.seconds.toFixed(2), '9.00');
});

test('steps at half the resolution count by their positions', async () => {
  const speed = new DenseSpeed(new MemoryStorage());
  await fullRecomputeTime(speed, request, edited(undefined, 'dense'));
  const estimate = await fullRecomputeTime(speed, request, edited('FFFF/FF', 'sparse'));
  assert.equal(estimate!.seconds.toFixed(2), '3.00');
});

test('steps that compute less than everything say nothing about a full recompute', async () => {
  const speed = new DenseSpeed(new MemoryStorage());
  assert.equal(await fullRecomputeTime(speed, request, edited('FFPPPP', 'dense')), undefined);
});
