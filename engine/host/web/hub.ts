import type { HubEnvironment, LockOptions } from '../host.ts';

/** A browser has no environment variables; the caller's own settings reach the hub by its options. */
export const hubEnvironment: HubEnvironment = {
  cache: () => '/data/hub',
  endpoint: () => undefined,
  offline: () => false,
  token: async () => undefined,
  fetch: async () => (input, init) => globalThis.fetch(input, init),
};

/** Milliseconds between two calls of `onWait`. */
const POLL = 200;

/** By the browser's locks, which end with the page that holds them. */
export async function withLock<Result>(
  file: string,
  action: () => Promise<Result>,
  { signal, onWait }: LockOptions = {},
): Promise<Result> {
  const timer = onWait && setInterval(onWait, POLL);
  try {
    return await navigator.locks.request(`patchwork ${file}`, { ...(signal && { signal }) }, () => {
      clearInterval(timer);
      return action();
    });
  } finally {
    clearInterval(timer);
  }
}
