import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Recorded, type RecordedRows, type Rows, readRows, sumRows, withRows } from './recorded.ts';
import { putRows, takeRows } from './rows.ts';

const CHANNELS = 3;

const some = (rows: number) =>
  fc.uniqueArray(fc.nat(rows - 1), { minLength: 1, maxLength: rows }).map((at) => Int32Array.from(at).sort());

const levels = fc
  .record({
    rows: fc.integer({ min: 1, max: 40 }),
    batch: fc.integer({ min: 1, max: 2 }),
    bytes: fc.boolean(),
  })
  .chain((level) =>
    fc.record({
      level: fc.constant(level),
      edits: fc.array(some(level.rows), { maxLength: 5 }),
      wanted: some(level.rows),
      padding: fc.nat(1),
    }),
  );

test('rows laid over one another read like rows that were put into copies', () => {
  fc.assert(
    fc.property(levels, ({ level: { rows, batch, bytes }, edits, wanted, padding }) => {
      const type = bytes ? Int8Array : Float32Array;
      const fill = (length: number, edit: number): Rows =>
        new type(batch * length * CHANNELS).map((_, i) => (i * 7 + edit * 31) % 120);
      const base = fill(rows, 0);
      const untouched = base.slice();
      let recorded: RecordedRows = base;
      const expected = base.slice();
      for (const [i, at] of edits.entries()) {
        const fresh = fill(at.length, i + 1);
        recorded = withRows(recorded, fresh, batch, CHANNELS, at);
        putRows(expected, fresh, batch, CHANNELS, at);
      }
      const into = new type(batch * (wanted.length + padding) * CHANNELS);
      readRows(recorded, batch, CHANNELS, wanted, padding, into);
      assert.deepEqual(into, takeRows(expected, batch, CHANNELS, wanted, padding));
      const sums = new Float64Array(batch * CHANNELS);
      for (const [i, value] of takeRows(expected, batch, CHANNELS, wanted).entries())
        sums[Math.floor(i / (wanted.length * CHANNELS)) * CHANNELS + (i % CHANNELS)]! += value;
      assert.deepEqual(sumRows(recorded, batch, CHANNELS, wanted), sums);
      assert.deepEqual(base, untouched, 'the level before is not touched');
    }),
  );
});

test('a small change shares the level it was made in', () => {
  const base = new Float32Array(20 * CHANNELS);
  const rows = new Float32Array(2 * CHANNELS).fill(1);
  const changed = withRows(base, rows, 1, CHANNELS, Int32Array.of(4, 9));
  assert.deepEqual(new Recorded([['window', changed]]).pieces(), [base, rows]);
});
