import { Worker } from 'node:worker_threads';

/** When a command with embedded models watches for a second Ctrl-C: none of their runs takes that long. */
const WATCH_AFTER_MS = 2000;

/**
 * Aborts at the first Ctrl-C; a second one ends the process at once, even while JavaScript computes and no handler
 * of its own can run.
 * @param model what the user has named; without one only embedded models run, whose commands are mostly over before they
 * need the 10 MB of a thread that watches
 */
export function interruptible(model?: string): AbortSignal {
  const controller = new AbortController();
  if (model === undefined) setTimeout(endAtSecond, WATCH_AFTER_MS).unref();
  else endAtSecond();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/**
 * Node delivers signals to the main thread only, which may be busy. Its binding to libuv delivers them to any thread;
 * it is an internal interface, so without it the second Ctrl-C waits.
 */
const WATCH = `
  process.noDeprecation = true;
  const { Signal } = process.binding('signal_wrap');
  const signal = new Signal();
  let times = 0;
  signal.onsignal = () => {
    if (++times === 2) process.kill(process.pid, 'SIGKILL');
  };
  signal.start(require('node:os').constants.signals.SIGINT);
`;

function endAtSecond(): void {
  const watcher = new Worker(WATCH, { eval: true, execArgv: [] });
  watcher.on('error', () => {});
  watcher.unref();
}
