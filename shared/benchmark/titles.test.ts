import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SIGHT_CASES } from '../../engine/benchmark/sight/cases/index.ts';
import { STEP_CASES } from '../../engine/benchmark/step/cases/index.ts';
import { WHOLE_CASES } from '../../engine/benchmark/whole/cases/index.ts';
import { caseAbout, caseTitle, formatFewer, formatSpeed } from './titles.ts';

test('every mode of the engine has a title of its own and is explained in a line', () => {
  const names = [...new Set([...STEP_CASES, ...SIGHT_CASES, ...WHOLE_CASES].map(({ name }) => name))];
  assert.equal(new Set(names.map(caseTitle)).size, names.length);
  for (const name of names) assert.match(caseAbout(name), /^[A-Z].{20,110}\.$/, name);
  assert.deepEqual([caseTitle('newer'), caseAbout('newer')], ['Newer', '']);
});

test('factors in words', () => {
  assert.equal(formatSpeed(4.39), '4.39× faster');
  assert.equal(formatSpeed(0.69), '1.45× slower');
  assert.equal(formatFewer(10), '10.0× fewer');
  assert.equal(formatFewer(0.5), '2.00× more');
});
