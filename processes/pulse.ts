/**
 * Signs of life that a process gives from a separate thread: also while a network computes, but not while the process
 * is stopped.
 */
import { Worker } from 'node:worker_threads';

/** The file descriptor that a process started with `pulse` writes to. */
const DESCRIPTOR = 4;
/** Milliseconds between two signs. */
const BEAT_MS = 1000;

const BEAT = `
  const { writeSync } = require('node:fs');
  setInterval(() => writeSync(${DESCRIPTOR}, '.'), ${BEAT_MS});
`;

/** Starts giving signs of life if the parent listens for them. */
export function beat(): void {
  const isHeard = process.env[PULSE_VARIABLE] === '1';
  // Processes that this one starts have other descriptors.
  delete process.env[PULSE_VARIABLE];
  if (!isHeard) return;
  const thread = new Worker(BEAT, { eval: true, execArgv: [] });
  // The parent is gone; this process ends, too.
  thread.on('error', () => {});
  thread.unref();
}

/** Set for processes whose parent listens. */
export const PULSE_VARIABLE = 'PATCHWORK_PULSE';

/** Milliseconds without a sign of life after which a process counts as stopped. */
export const PULSE_PATIENCE = 30_000;
