import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkBenchmark } from '../../engine/benchmark/check-request.ts';
import { benchmarkCost } from '../../engine/benchmark/cost.ts';
import type { BenchmarkRequest } from '../../shared/api.ts';
import { draftOf } from '../../shared/benchmark/protocol.ts';
import {
  askedText,
  isBusy,
  lastTime,
  predictedSeconds,
  predictionSentence,
  totalSeconds,
} from './duration.ts';
import { takenBy } from './offers.ts';
import { PRESETS } from './presets.ts';
import { requestOf } from './readForm.ts';

const SMALL = { weightBytes: 0 };
const predicted = (...asked: Parameters<typeof predictedSeconds>) => totalSeconds(predictedSeconds(...asked));
const dense: BenchmarkRequest = { cases: ['dense'], repeat: 4 };
const share = (part: number) => ({ masks: [{ name: 'mask', share: part }] });

test('a run takes its warm-up and timed runs, and the loading of each form', () => {
  assert.equal(predicted(dense, SMALL, 2), 10);
  assert.equal(predicted(dense, { weightBytes: 1e9 }, 2), 14);
  assert.equal(predicted({ ...dense, precisions: ['int8'] }, SMALL, 2), 5);
});

test('what is done more takes longer', () => {
  const seconds = (request: Partial<BenchmarkRequest>) => predicted({ ...dense, ...request }, SMALL, 2);
  const base = seconds({});
  for (const more of [
    { repeat: 5 },
    { cases: ['dense', 'rows'] },
    { precisions: ['fp32', 'int8'] as const },
    { profile: true },
    { isolate: true },
    { whole: { prompt: 'a', editPrompt: 'b', steps: 4 }, ...share(0.1) },
  ])
    assert.ok(seconds(more as Partial<BenchmarkRequest>) > base, JSON.stringify(more));
  const sparse = (part: number) => seconds({ cases: ['sparse'], ...share(part) });
  assert.ok(sparse(0.1) < sparse(0.5) && sparse(0.1) < base);
});

test('the same work is asked for by the same text, whatever its masks hold', () => {
  const mask = (name: string, byte: number) => ({ masks: [{ name, image: Uint8Array.of(byte) }] });
  assert.equal(askedText({ ...dense, ...mask('a', 1) }), askedText({ ...dense, ...mask('a', 2) }));
  assert.notEqual(askedText({ ...dense, ...mask('a', 1) }), askedText({ ...dense, ...mask('b', 1) }));
  assert.notEqual(askedText(dense), askedText({ ...dense, repeat: 5 }));
});

test('times in words', () => {
  assert.equal(predictionSentence(3, true), 'Takes 10 s or less.');
  assert.equal(predictionSentence(22, true), 'Takes about 20 s.');
  assert.equal(predictionSentence(111, true), 'Takes about 2 min.');
  assert.equal(predictionSentence(9000, true), 'Takes about 2.5 h.');
  assert.match(predictionSentence(22, false), /roughly: nothing of this size was measured here yet/);
  assert.equal(lastTime(111), 'Took 1 min 51 s last time.');
});

test('a machine is busy when other work takes most of its processors', () => {
  assert.equal(isBusy([0.3, 2, 2], 2), false);
  assert.equal(isBusy([2, 0, 0], 2), true);
});

test('each preset is a form that can be run, says what it does in one sentence, and has a time', async () => {
  assert.equal(PRESETS.length, 4);
  assert.equal(new Set(PRESETS.map(({ action }) => action)).size, 4);
  for (const preset of PRESETS) {
    const draft = draftOf(preset);
    const bytes = async () => Uint8Array.of(0);
    const request = await requestOf(draft, takenBy(draft), { readFile: bytes, readShipped: bytes });
    checkBenchmark(request);
    assert.equal(preset.description.match(/[.!?](\s|$)/g)?.length, 1);
    const cost = await benchmarkCost(request);
    assert.ok(predicted(request, cost, 0.05) > 1);
  }
});
