import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EditRequest, EditResult } from '../../engine/api.ts';
import { DenseTimes } from './denseTimes.ts';

const request: EditRequest = { prompt: 'x', image: new Uint8Array(), mask: new Uint8Array() };
const result = (change: Partial<EditResult>): EditResult => ({
  picture: { png: new Uint8Array(), width: 64, height: 64 },
  recipe: {
    ...{ prompt: 'x', negativePrompt: '', model: 'm', seed: 1, steps: 3, guidance: 4 },
    ...{ width: 64, height: 64, scheduler: 'ddim', precision: 'fp32' },
  },
  ...{ macs: 1, denseMacs: 2, recordingMacs: 0, recordedSteps: 0, activeFraction: [], computed: [] },
  ...{ seconds: 1, loadSeconds: 0, stepSeconds: [], recordSeconds: [], warnings: [] },
  ...change,
});

test('nothing is claimed before a dense step was seen', () => {
  const times = new DenseTimes();
  times.note(request, result({}));
  assert.equal(times.estimate(request, result({ stepSeconds: [0.1] })), undefined);
});

test('steps at the median of what was seen, and the rest as it was', () => {
  const times = new DenseTimes();
  times.note(request, result({ recordSeconds: [1, 2, 30] }));
  const edit = result({ seconds: 2, loadSeconds: 0.5, stepSeconds: [0.25, 0.25] });
  assert.deepEqual(times.estimate(request, edit), { seconds: 5, basis: 'estimated', steps: 3 });
});

test('other sizes, threads and guidance are other times', () => {
  const times = new DenseTimes();
  times.note(request, result({ recordSeconds: [1] }));
  assert.equal(times.estimate({ ...request, threads: 1 }, result({})), undefined);
  const large = result({ picture: { png: new Uint8Array(), width: 128, height: 64 } });
  assert.equal(times.estimate(request, large), undefined);
  assert.equal(times.estimate(request, result({ recipe: { ...result({}).recipe, guidance: 1 } })), undefined);
});
