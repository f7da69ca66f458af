import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOnDemand } from './file-bytes.ts';

/** A file whose bytes count up, and the ranges that were read of it. */
function fileOf(size: number) {
  const ranges: string[] = [];
  const part = (from: number, to: number) => ({ size: to - from, from, slice: part });
  Object.assign(globalThis, {
    FileReaderSync: class {
      readAsArrayBuffer({ from, size }: { from: number; size: number }): ArrayBuffer {
        ranges.push(`${from}-${from + size}`);
        return Uint8Array.from({ length: size }, (_, i) => from + i).buffer;
      }
    },
  });
  return { bytes: bytesOnDemand(part(0, size) as unknown as Blob), ranges };
}

test('a small file is read once, in whatever order its weights are taken', () => {
  const { bytes, ranges } = fileOf(1000);
  assert.deepEqual([...bytes.subarray(200, 203)], [200, 201, 202]);
  assert.deepEqual([...bytes.subarray(5, 7)], [5, 6]);
  assert.deepEqual(ranges, ['0-1000']);
});

test('of a large file only the ranges that are taken are read', () => {
  const { bytes, ranges } = fileOf(3e9);
  assert.equal(bytes.byteLength, 3e9);
  assert.deepEqual([...bytes.subarray(2 ** 31, 2 ** 31 + 3)], [0, 1, 2]);
  assert.deepEqual([...bytes.subarray(7, 9)], [7, 8]);
  assert.deepEqual(ranges, [`${2 ** 31}-${2 ** 31 + 3}`, '7-9']);
});
