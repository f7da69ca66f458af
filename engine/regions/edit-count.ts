import type { Recorded, RecordedRows } from './recorded.ts';

const EDITS = 'edits';

/** How many edits one after another a record has taken up since everything was computed. */
export function editsOf(record: ReadonlyMap<string, RecordedRows>): number {
  const edits = record.get(EDITS);
  return edits instanceof Float32Array ? edits[0]! : 0;
}

/** Counts an edit that continued `before` to `after`. */
export function countEdit(before: ReadonlyMap<string, RecordedRows>, after: Recorded): void {
  after.set(EDITS, Float32Array.of(editsOf(before) + 1));
}
