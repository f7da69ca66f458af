import assert from 'node:assert/strict';
import test from 'node:test';
import { isAmbiguous, promptFor } from './prompt.ts';

const picture = { width: 640, height: 480 };

test('points and boxes are given in the frame, with padding where there is no box', () => {
  assert.deepEqual(promptFor({ points: [{ x: 320, y: 240 }] }, picture, 1024), {
    coordinates: [512, 384, 0, 0],
    labels: [1, -1],
  });
  const box = { x0: 600, y0: 400, x1: -50, y1: 1000 };
  assert.deepEqual(promptFor({ points: [{ x: 0, y: 0, include: false }], box }, picture, 640), {
    coordinates: [0, 0, 0, 400, 600, 480],
    labels: [0, 2, 3],
  });
});

test('what is not in the picture is refused', () => {
  for (const x of [-1, 640, Number.NaN])
    assert.throws(
      () => promptFor({ points: [{ x, y: 5 }] }, picture, 1024),
      /is outside the image, which is 640×480/,
    );
  const box = { x0: 700, y0: 0, x1: 800, y1: 100 };
  assert.throws(() => promptFor({ points: [], box }, picture, 1024), /has nothing of the image/);
});

test('one click alone is ambiguous', () => {
  const points = [{ x: 1, y: 1 }];
  assert.equal(isAmbiguous({ points }), true);
  assert.equal(isAmbiguous({ points: [...points, ...points] }), false);
  assert.equal(isAmbiguous({ points, refine: new Float32Array(1) }), false);
  assert.equal(isAmbiguous({ points, box: { x0: 0, y0: 0, x1: 1, y1: 1 } }), false);
});
