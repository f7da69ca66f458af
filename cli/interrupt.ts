import { Worker } from 'node:worker_threads';

/** When a command with embedded models watches for Ctrl-C on a thread: none of their runs takes that long. */
const WATCH_AFTER_MS = 2000;

/**
 * Aborts at the first Ctrl-C, and says so if the command does not end at once: a run of a network is not interrupted.
 * A second one ends the process, even while JavaScript computes and no handler of its own can run.
 * @param model what the user has named; without one only embedded models run, whose commands are mostly over before they
 * need the 10 MB of a thread that watches
 */
export function interruptible(model?: string): AbortSignal {
  const controller = new AbortController();
  if (model === undefined) setTimeout(watch, WATCH_AFTER_MS).unref();
  else watch();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/** How long a command may take to end before it says that it was interrupted. */
const ANSWER_AFTER_MS = 700;
const ANSWER = '\nEnding after the current step. Press Ctrl-C again to end at once.\n';

/**
 * Node delivers signals to the main thread only, which may be busy. Its binding to libuv delivers them to any thread;
 * it is an internal interface, so without it Ctrl-C waits.
 */
const WATCH = `
  const { writeSync } = require('node:fs');
  process.noDeprecation = true;
  const { Signal } = process.binding('signal_wrap');
  const signal = new Signal();
  let times = 0;
  signal.onsignal = () => {
    if (++times === 2) process.kill(process.pid, 'SIGKILL');
    setTimeout(() => writeSync(2, ${JSON.stringify(ANSWER)}), ${ANSWER_AFTER_MS});
  };
  signal.start(require('node:os').constants.signals.SIGINT);
`;

function watch(): void {
  const watcher = new Worker(WATCH, { eval: true, execArgv: [] });
  watcher.on('error', () => {});
  watcher.unref();
}
