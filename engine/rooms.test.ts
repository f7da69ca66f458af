import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

/** A folder of the engine, or a file at its top. */
const roomOf = (file: string): string => file.split('/', 1)[0]!;

/** Rooms that each room imports. `#host` are the declarations in `host`; its machines are chosen at build time. */
function importsOfRooms(): Map<string, Set<string>> {
  const rooms = new Map<string, Set<string>>();
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll(path.sep, '/'))
    .filter((file) => file.endsWith('.ts') && !/\.test\.ts$|(^|\/)testing(\.ts$|\/)/.test(file));
  for (const file of files) {
    const imports = rooms.get(roomOf(file)) ?? new Set();
    rooms.set(roomOf(file), imports);
    const text = readFileSync(path.join(import.meta.dirname, file), 'utf8');
    for (const [, target] of text.matchAll(/\b(?:from|import)\s*\(?\s*'(#host|\.[^']+)'/g)) {
      const imported = target === '#host' ? 'host' : path.posix.join(path.posix.dirname(file), target!);
      if (!imported.startsWith('..') && roomOf(imported) !== roomOf(file)) imports.add(roomOf(imported));
    }
  }
  return rooms;
}

test('the rooms of the engine stand on each other without a circle', () => {
  const rooms = importsOfRooms();
  assert.ok(rooms.get('pipelines')?.has('execution') && rooms.get('backends')?.has('execution'));
  // Takes away what stands on nothing that is left; a circle remains.
  for (let before = Number.POSITIVE_INFINITY; rooms.size < before; ) {
    before = rooms.size;
    for (const [room, imports] of rooms) if (![...imports].some((one) => rooms.has(one))) rooms.delete(room);
  }
  assert.deepEqual(rooms, new Map());
});
