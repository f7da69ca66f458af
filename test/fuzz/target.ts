import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { InputError } from '../../engine/errors.ts';

/** A reader of untrusted input, and a property that must hold for every input. */
export interface Target {
  name: string;
  property: fc.IRawProperty<unknown>;
  /** Checks the property for one input. @throws if it does not hold */
  check: (value: never) => void | Promise<void>;
  /** Number of cases of the short run, if each takes long. */
  runs?: number;
}

/** A target whose property throws if something is wrong. */
export function target<Value>(
  name: string,
  cases: fc.Arbitrary<Value>,
  check: (value: Value) => void | Promise<void>,
): Target {
  return { name, check, property: fc.asyncProperty(cases, async (value) => await check(value)) };
}

/** A folder for the files of a target's cases; it goes with the process. */
export function caseFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'patchwork-fuzz-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let cases = 0;

/** Runs `use` with a file of its own: a case that the long run has interrupted may still be at work. */
export async function withCaseFile(
  folder: string,
  bytes: Uint8Array,
  use: (file: string) => Promise<void>,
): Promise<void> {
  const file = path.join(folder, `case-${++cases}.bin`);
  await writeFile(file, bytes);
  try {
    await use(file);
  } finally {
    await rm(file, { force: true });
  }
}

/** Checks that reading gives a value, or one sentence for the user. */
export async function valueOrSentence<Value>(read: () => Value | Promise<Value>): Promise<Value | undefined> {
  try {
    return await read();
  } catch (error) {
    assert.ok(error instanceof InputError, String(error));
    assert.ok(error.message.length < 2000 && !/\p{Cc}/u.test(error.message), error.message);
    return undefined;
  }
}

/** Text with characters that matter in terminals, links, paths and numbers. */
export const oddText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        '[a](command:x)',
        '../',
        '~',
        '\\\\h\\s',
        '\u001b]0;x\u0007',
        '\u009b2J',
        '\u202e',
        '=1+1',
        '\n',
      ),
      fc.constantFrom('0', '-1', '1e308', 'NaN', '__proto__', 'constructor', 'file:///x', '\0', '\ud800'),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

const odd: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.constantFrom(null, true, [], {}, [[]], -1, 0, 1, 2 ** 31, 2 ** 53, 1e308, 0.5),
  fc.double(),
  fc.jsonValue({ maxDepth: 2 }),
  fc.nat({ max: 1e6 }).map((length) => 'x'.repeat(length % 20_000)),
);

/** An example in which some values are others, are missing, or are joined by more. */
export function changed(example: unknown): fc.Arbitrary<unknown> {
  const change = fc.record({ at: fc.nat(), value: odd, how: fc.constantFrom('set', 'remove', 'add') });
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let value = structuredClone(example);
    // The same value at two places, one within the other, would be a circle.
    for (const one of changes) value = applied(value, { ...one, value: structuredClone(one.value) });
    return value;
  });
}

function applied(root: unknown, { at, value, how }: { at: number; value: unknown; how: string }): unknown {
  const places: [parent: Record<string, unknown>, key: string][] = [];
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null || ArrayBuffer.isView(node)) return;
    for (const [key, child] of Object.entries(node)) {
      places.push([node as Record<string, unknown>, key]);
      visit(child);
    }
  };
  visit(root);
  if (places.length === 0 || at % (places.length + 1) === places.length) return value;
  const [parent, key] = places[at % places.length]!;
  if (how === 'remove') delete parent[key];
  else parent[how === 'add' ? `${key}2` : key] = value;
  return root;
}

/** Bytes in which some are others, or some are missing, or come twice. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const damage = fc.record({
    at: fc.nat(),
    byte: fc.nat({ max: 255 }),
    length: fc.nat({ max: 64 }),
    how: fc.constantFrom('set', 'cut', 'remove', 'repeat'),
  });
  return fc.array(damage, { minLength: 1, maxLength: 6 }).map((damages) => {
    let result = Uint8Array.from(bytes);
    for (const { at, byte, length, how } of damages) {
      const place = result.length === 0 ? 0 : at % result.length;
      const [before, after] = [result.subarray(0, place), result.subarray(place)];
      if (how === 'set') result[place] = byte;
      else if (how === 'cut') result = before.slice();
      else if (how === 'remove') result = joined(before, after.subarray(length));
      else result = joined(before, after.subarray(0, length), after);
    }
    return result;
  });
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts));
}
