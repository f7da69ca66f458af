import assert from 'node:assert/strict';
import test from 'node:test';
import { parsePlace, whereIs } from './place.ts';

test('points, excluded points and a box are read as they are typed', () => {
  assert.deepEqual(parsePlace('120,80'), { points: [{ x: 120, y: 80, include: true }] });
  assert.deepEqual(parsePlace(' 1,2; -3,4 '), {
    points: [
      { x: 1, y: 2, include: true },
      { x: 3, y: 4, include: false },
    ],
  });
  assert.deepEqual(parsePlace('10,20,30,40 5,6'), {
    points: [{ x: 5, y: 6, include: true }],
    box: { x0: 10, y0: 20, x1: 30, y1: 40 },
  });
});

test('anything else is not taken for a place', () => {
  for (const text of ['', 'house', '12', '1,2,3', '-1,2,3,4', '1,2,3,4 5,6,7,8', '1,,2', '1.5,2'])
    assert.equal(parsePlace(text), undefined, text);
});

test('boxes are said to lie in ninths of the picture', () => {
  const picture = { width: 300, height: 300 };
  assert.equal(whereIs({ x0: 0, y0: 0, x1: 50, y1: 50 }, picture), 'upper left');
  assert.equal(whereIs({ x0: 100, y0: 110, x1: 180, y1: 190 }, picture), 'middle');
  assert.equal(whereIs({ x0: 120, y0: 250, x1: 180, y1: 300 }, picture), 'lower');
  assert.equal(whereIs({ x0: 250, y0: 250, x1: 300, y1: 300 }, picture), 'lower right');
});
