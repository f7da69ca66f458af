import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { InputError } from '../../errors.ts';
import { hasThreads, requireFeatures } from './features.ts';

type Globals = Record<string, unknown>;
const globals = globalThis as unknown as Globals;
const before = new Map<string, PropertyDescriptor | undefined>();

/** Gives a browser's object another value, until the test ends. */
function set(name: string, value: unknown): void {
  if (!before.has(name)) before.set(name, Object.getOwnPropertyDescriptor(globals, name));
  Object.defineProperty(globals, name, { value, configurable: true, writable: true });
}

beforeEach(() => {
  for (const name of ['OffscreenCanvas', 'createImageBitmap']) set(name, () => {});
});
afterEach(() => {
  for (const [name, descriptor] of before)
    if (descriptor) Object.defineProperty(globals, name, descriptor);
    else delete globals[name];
  before.clear();
});

test('a browser that has everything is not refused', () => {
  requireFeatures();
});

test('what a browser lacks is named, with what to do', () => {
  set('OffscreenCanvas', undefined);
  set('createImageBitmap', undefined);
  assert.throws(requireFeatures, (error: Error) => {
    assert.ok(error instanceof InputError);
    assert.match(
      error.message,
      /^This browser lacks OffscreenCanvas, createImageBitmap, which Patchwork needs\. Use /,
    );
    return true;
  });
});

test('without shared memory, or without WebAssembly, it says so', () => {
  const refusing = class {
    constructor({ shared }: { shared?: boolean }) {
      if (shared) throw new TypeError('shared memory is not enabled');
    }
  };
  set('WebAssembly', { validate: WebAssembly.validate, Memory: refusing });
  assert.throws(requireFeatures, /lacks shared WebAssembly memory, which/);
  set('WebAssembly', undefined);
  assert.throws(requireFeatures, /lacks WebAssembly with SIMD, shared WebAssembly memory, which/);
});

test('there are threads only where the page is isolated and memory can be shared', () => {
  set('crossOriginIsolated', true);
  assert.equal(hasThreads(), true);
  set('SharedArrayBuffer', undefined);
  assert.equal(hasThreads(), false);
  set('SharedArrayBuffer', function shared() {});
  set('crossOriginIsolated', false);
  assert.equal(hasThreads(), false);
});
