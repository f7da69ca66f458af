import assert from 'node:assert/strict';
import test from 'node:test';
import { SIGHT_RESULT } from '../../../shared/testing.ts';
import { findNamedObjects, type NamedObject, objectNamed } from './objects.ts';

const named = (name: string): NamedObject => ({
  name,
  score: 1,
  area: 1,
  box: undefined,
  width: 1,
  height: 1,
  data: Uint8Array.of(1),
});
const OBJECTS = ['a red house', 'a blue house', 'the sun', 'a red house'].map(named);

test('an object is meant by its name, a part of it, or its number', () => {
  for (const [wanted, index] of [
    ['a blue house', 1],
    ['Blue House', 1],
    ['the blue house', 1],
    ['blue', 1],
    ['sun', 2],
    ['4', 3],
    [' 1 ', 0],
  ] as const)
    assert.equal(objectNamed(OBJECTS, wanted, 'lake.png'), OBJECTS[index], wanted);
});

test('what is not there, or there more than once, is answered with what is there', () => {
  for (const wanted of ['boat', '0', '5', '', 'use'])
    assert.throws(
      () => objectNamed(OBJECTS, wanted, 'lake.png'),
      /lake\.png has no object .*It has: 1 a red house, 2 a blue house, 3 the sun, 4 a red house/,
      wanted,
    );
  assert.throws(
    () => objectNamed(OBJECTS, 'red house', 'lake.png'),
    /match “red house”: 1 a red house, 4 a red/,
  );
  assert.throws(() => objectNamed([], 'boat', 'lake.png'), /No objects were found in lake\.png/);
});

test('each object is named by its own mask, and unknown objects too', async () => {
  const { name: _, ...object } = named('');
  const asked: unknown[] = [];
  const { objects } = await findNamedObjects(
    {
      findObjects: async () => ({
        objects: [object, { ...object, data: Uint8Array.of(0) }],
        ...SIGHT_RESULT,
      }),
      describe: async ({ image, mask }) => {
        asked.push(image);
        return {
          ...SIGHT_RESULT,
          prompt: mask!.data[0] ? 'a boat' : '',
          sure: true,
          source: 'image' as const,
          labels: [],
        };
      },
    },
    { image: Uint8Array.of(1) },
  );
  assert.deepEqual(
    objects.map(({ name }) => name),
    ['a boat', 'something'],
  );
  assert.deepEqual(asked, ['p', 'p'], 'the image is not sent again');
});
