import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchmarkCost } from '../../engine/benchmark/cost.ts';
import type { Precision } from '../../shared/api.ts';
import { costSentences } from './cost.ts';

test('a small model costs nothing worth telling but its operations', async () => {
  const sentences = costSentences(await benchmarkCost({}), { cases: ['dense', 'sparse'] });
  assert.deepEqual(sentences, ['Scenes at 256×256: a dense step is 1.5 GMACs.']);
});

test('an architecture costs a file of weights, and memory for each form', async () => {
  const cost = await benchmarkCost({ model: 'sd15', width: 1024, height: 512 });
  assert.equal((cost.weightBytes / 1e9).toFixed(2), '3.44');
  assert.equal((cost.stepMacs / 1e9).toFixed(1), '1848.5');
  const text = (cases: string[], precisions?: Precision[], workers?: number[]) =>
    costSentences(cost, { cases, precisions, workers }).join(' ');
  assert.match(text(['dense', 'sparse']), /3\.44 GB of synthetic weights.*about 10\.31 GB of memory/);
  assert.match(text(['dense']), /about 6\.88 GB of memory/);
  assert.match(text(['dense', 'sparse'], ['int8']), /about 4\.30 GB of memory/);
  assert.match(text(['dense', 'patch'], ['fp32'], [2]), /about 13\.75 GB of memory/);
});

test('what a step takes on this machine, where that is known', async () => {
  const cost = await benchmarkCost({ model: 'sd15', width: 1024, height: 512 });
  assert.match(
    costSentences(cost, { cases: ['dense'] }, 5.553)[1]!,
    /On this machine it takes about 5\.55 s/,
  );
});
