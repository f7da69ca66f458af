import { Worker } from 'node:worker_threads';

/**
 * Aborts at the first Ctrl-C; a second one ends the process at once, even while JavaScript computes and no handler
 * of its own can run.
 */
export function interruptible(): AbortSignal {
  const controller = new AbortController();
  endAtSecond();
  process.once('SIGINT', () => controller.abort());
  return controller.signal;
}

/**
 * Node delivers signals to the main thread only, which may be busy. Its binding to libuv delivers them to any thread;
 * it is not for users, so where it is missing the second Ctrl-C waits, as it does without this.
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
