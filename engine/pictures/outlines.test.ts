import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outlines } from './outlines.ts';

/** A picture whose pixels are the same grey on every line. */
function columns(values: readonly number[], height = 16) {
  const width = values.length;
  const pixels = Uint8Array.from(
    { length: 3 * width * height },
    (_, i) => values[Math.floor(i / 3) % width]!,
  );
  return { width, height, pixels };
}

const white = ({ pixels, width }: { pixels: Uint8Array; width: number }, y: number) =>
  Array.from({ length: width }, (_, x) => pixels[3 * (y * width + x)]!);

test('canny: one line where the grey changes, none where it hardly does', () => {
  const step = columns([...Array(8).fill(20), ...Array(8).fill(220)]);
  const line = white(outlines(step, 'canny'), 8);
  assert.equal(line.filter((value) => value === 255).length, 1);
  assert.ok([7, 8].includes(line.indexOf(255)));
  const faint = columns([...Array(8).fill(20), ...Array(8).fill(40)]);
  assert.ok(outlines(faint, 'canny').pixels.every((value) => value === 0));
});

test('canny: a faint edge counts if it continues a strong one', () => {
  const { width, height } = { width: 16, height: 16 };
  const pixels = new Uint8Array(3 * width * height).fill(20);
  for (let y = 0; y < height; y++) pixels.fill(y < 8 ? 220 : 55, 3 * (y * width + 8), 3 * (y + 1) * width);
  const lines = outlines({ width, height, pixels }, 'canny');
  assert.ok(white(lines, 2).includes(255));
  assert.ok(white(lines, 13).includes(255), 'the faint end of the line');
});

test('scribble: dark lines become white ones, everything else black', () => {
  const picture = columns([...Array(15).fill(230), 10, 10, ...Array(15).fill(230)]);
  const line = white(outlines(picture, 'scribble'), 8);
  assert.deepEqual([line[15], line[16], line[4], line[28]], [255, 255, 0, 0]);
  assert.ok(outlines(columns(Array(16).fill(90)), 'scribble').pixels.every((value) => value === 0));
});
