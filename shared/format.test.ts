import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  describeCost,
  describeJobTime,
  describeRemaining,
  describeRun,
  explainCost,
  formatBytes,
  formatGigaMacs,
  formatLatency,
  formatMacs,
  formatSeconds,
  recipeRows,
} from './format.ts';

test('operation counts', () => {
  assert.equal(formatMacs(0), '0 MACs');
  assert.equal(formatMacs(1500), '1.5 kMACs');
  assert.equal(formatMacs(803.3e9), '803.3 GMACs');
  assert.equal(formatMacs(999.96e9), '1.0 TMACs');
});

test('times', () => {
  assert.equal(formatSeconds(0.424), '0.42 s');
  assert.equal(formatSeconds(8.25), '8.3 s');
  assert.equal(formatSeconds(59.99), '1 min 0 s');
  assert.equal(formatSeconds(125.2), '2 min 5 s');
});

test('figures that are compared', () => {
  assert.equal(formatGigaMacs(1848.53e9), '1848.5 GMACs');
  assert.equal(formatGigaMacs(112e6), '112.0 MMACs');
  assert.deepEqual([0.0036, 0.036, 0.0996, 0.36, 0.9996, 1.804, 12.56, 125].map(formatLatency), [
    '3.6 ms',
    '36 ms',
    '100 ms',
    '360 ms',
    '1.00 s',
    '1.80 s',
    '12.6 s',
    '2 min 5 s',
  ]);
  assert.deepEqual([1.84e6, 3.438e9].map(formatBytes), ['1.8 MB', '3.44 GB']);
});

test('remaining time is rounded', () => {
  assert.deepEqual([0.2, 3.4, 12, 61, 100, 1300, 7260].map(describeRemaining), [
    'about 1 s left',
    'about 3 s left',
    'about 10 s left',
    'about 1 min left',
    'about 1 min 45 s left',
    'about 22 min left',
    'about 2 h 1 min left',
  ]);
});

test('a job that waits takes its time, and one that runs has the rest of it left', () => {
  const run = { stage: 'wait', step: 0, steps: 1, cancelling: false } as const;
  assert.equal(describeJobTime({ running: true, run: { ...run, remaining: 8 } }), 'about 8 s left');
  assert.equal(describeJobTime({ running: false, run: { ...run, remaining: 15 } }), 'takes about 15 s');
  assert.equal(describeJobTime({ running: false, run }), '');
});

test('recipe rows', () => {
  const picture = {
    id: 'x',
    created: 0,
    request: { prompt: 'a tree' },
    recipe: {
      prompt: 'a tree',
      negativePrompt: '',
      model: 'scenes',
      seed: 7,
      steps: 20,
      guidance: 4,
      width: 256,
      height: 192,
      scheduler: 'dpmpp-2m' as const,
      precision: 'fp32' as const,
    },
    macs: 2e9,
    seconds: 2.5,
    loadSeconds: 0.5,
    stepSeconds: [],
    warnings: [],
  };
  const rows = Object.fromEntries(recipeRows(picture));
  assert.equal(rows['Negative prompt'], undefined);
  assert.equal(rows.Size, '256 × 192');
  assert.equal(rows.Sampler, 'DPM++ 2M');
  assert.equal(rows.Time, '2.5 s, 0.50 s of it loading');
  const stepsWith = (more: object) =>
    Object.fromEntries(recipeRows({ ...picture, recipe: { ...picture.recipe, ...more } })).Steps;
  assert.equal(stepsWith({ steps: 4, stepPlan: 'FF/FF' }), '4, 2 of them at half the resolution');
  assert.equal(stepsWith({ steps: 4, stepPlan: 'FF/FF', budget: { share: 0.5, steps: 20 } }), '4');
});

test('what is happening', () => {
  const run = { step: 3, steps: 20, cancelling: false };
  assert.equal(describeRun({ ...run, stage: 'denoise' }), 'Step 3 of 20');
  assert.equal(describeRun({ ...run, stage: 'record' }), 'Analysing image: step 4 of 20');
  assert.equal(describeRun({ ...run, stage: 'denoise', cancelling: true }), 'Cancelling…');
  assert.equal(describeRun({ ...run, stage: 'wait' }), 'Waiting for the engine…');
  assert.equal(describeRun({ ...run, stage: 'try' }), 'Trying the GPU, once…');
  assert.equal(describeRun({ ...run, stage: 'turn' }), 'Waiting: the GPU computes for another window…');
  assert.equal(describeRun({ ...run, stage: 'wait', ahead: 1 }), 'Waiting: 1 job before this');
  assert.equal(describeRun({ ...run, stage: 'wait', ahead: 2 }), 'Waiting: 2 jobs before this');
});

test('what an edit cost, the time of all first, and how that is known', () => {
  const level = { cell: 8, left: 0, top: 0, width: 1, height: 1, positions: Uint8Array.of(1) };
  const cost = {
    prompt: 'a boat',
    seed: 3,
    steps: 18,
    macs: 3.1e9,
    denseMacs: 48e9,
    activeFraction: [0.062, 0.2],
    computed: [level, level],
    recordingMacs: 0,
    recordedSteps: 0,
    recordSeconds: 0,
    seconds: 0.42,
    loadSeconds: 0,
  };
  assert.equal(describeCost(cost), '0.42 s · 6.2 % computed');
  assert.match(explainCost(cost).join(' '), /3.1 GMACs of the 48.0 GMACs.*no time to compare with/);
  const estimated = { ...cost, dense: { seconds: 3.9, measured: false } };
  assert.equal(describeCost(estimated), '0.42 s · 6.2 % computed (full recompute: about 3.9 s)');
  assert.match(explainCost(estimated).join(' '), /estimated from full steps/);
  const slower = { ...cost, seconds: 1.1, dense: { seconds: 0.7, measured: true } };
  assert.equal(describeCost(slower), '1.1 s · 6.2 % computed (full recompute: 0.70 s)');
  const first = { ...cost, recordedSteps: 18, recordingMacs: 40e9, recordSeconds: 6.9, seconds: 10.1 };
  assert.equal(
    describeCost({ ...first, loadSeconds: 1.2 }),
    '10.1 s: 1.2 s loading the model, 6.9 s analysing the image once, 2.0 s painting · 6.2 % computed',
  );
  assert.match(explainCost(first)[1]!, /analysed once \(18 steps, 6.9 s, 40.0 GMACs\)/);
  const full = {
    ...cost,
    computed: [],
    activeFraction: [],
    seconds: 4.8,
    dense: { seconds: 4.8, measured: true },
  };
  assert.equal(describeCost(full), '4.8 s (full recompute)');
});
