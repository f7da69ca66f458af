import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap double before everything in it is collected. While little is allocated, V8 lets it grow by a tenth only,
 * so that each edit would pay for a collection. It is set here and not when the process starts because an unknown option
 * there would end it.
 */
export function collectSeldom(): void {
  setFlagsFromString('--heap-growing-percent=100');
}
