import assert from 'node:assert/strict';
import test from 'node:test';
import type { GradedGroup } from './tagger.ts';
import { labelsOf, namesOf, promptOf } from './words.ts';

const group = (
  name: string,
  activation: GradedGroup['activation'],
  graded: Record<string, [phrase: string, probability: number]>,
): GradedGroup => ({
  name,
  activation,
  values: Object.keys(graded),
  phrases: Object.values(graded).map(([phrase]) => phrase),
  probabilities: Object.values(graded).map(([, probability]) => probability),
});

const objects = group('object', 'sigmoid', {
  'red house': ['a red house', 0.9],
  'pink house': ['a pink house', 0.6],
  'blue boat': ['a blue boat', 0.95],
  'green car': ['a green car', 0.2],
});
const parts = group('part', 'sigmoid', { sky: ['the sky', 0.99], water: ['the water', 0.7] });
const setting = [
  group('terrain', 'softmax', { lake: ['by a lake', 0.4], city: ['in a city', 0.3] }),
  group('time', 'softmax', { noon: ['at noon', 0.1], sunset: ['at sunset', 0.9] }),
  group('weather', 'softmax', { clear: ['under a clear sky', 0.8], rainy: ['in the rain', 0.2] }),
];

test('a picture is described by its objects, each in one colour, then place, time and weather', () => {
  const labels = labelsOf([objects, parts, ...setting]);
  assert.equal(promptOf(labels), 'a blue boat and a red house by a lake at sunset');
  const rainy = group('weather', 'softmax', {
    clear: ['under a clear sky', 0.1],
    rainy: ['in the rain', 0.9],
  });
  assert.equal(
    promptOf(labelsOf([parts, setting[0]!, rainy])),
    'the sky and the water by a lake, in the rain',
  );
  assert.equal(promptOf([]), '');
});

test('an object gets its most probable name', () => {
  const names = namesOf([objects, parts, ...setting]).map(({ phrase }) => phrase);
  assert.deepEqual(names, ['the sky', 'a blue boat', 'a red house', 'the water']);
});
