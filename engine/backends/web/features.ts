import { InputError } from '../../errors.ts';

/** @throws InputError that names what the browser lacks, each found by a trial, never by the browser's name */
export function requireFeatures(): void {
  const missing = [
    ['WebAssembly with SIMD', typeof WebAssembly === 'object' && WebAssembly.validate(SIMD)],
    ['shared WebAssembly memory', hasSharedMemory()],
    ['OffscreenCanvas', typeof OffscreenCanvas === 'function'],
    ['createImageBitmap', typeof createImageBitmap === 'function'],
  ]
    .filter(([, has]) => !has)
    .map(([name]) => name);
  if (missing.length > 0)
    throw new InputError(
      `This browser lacks ${missing.join(', ')}, which Patchwork needs. Use a newer browser, or Patchwork in VS Code on your machine.`,
    );
}

/** Whether memory can be shared with other threads: only where the page is isolated from other origins. */
export function hasThreads(): boolean {
  return globalThis.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';
}

/** Whether WebAssembly can wait for promises (JSPI), as for a GPU's results. */
export function waitsForPromises(): boolean {
  return 'Suspending' in WebAssembly && 'promising' in WebAssembly;
}

/** The smallest module with a SIMD instruction: one that returns i32x4.splat(0). */
const SIMD = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0],
  ...[10, 8, 1, 6, 0, 0x41, 0, 0xfd, 0x11, 0x0b],
);

function hasSharedMemory(): boolean {
  try {
    new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    return true;
  } catch {
    return false;
  }
}
