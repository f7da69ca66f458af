import { formatBytes } from '../../../shared/units.ts';
import type { HubEnvironment, LockOptions } from '../host.ts';

const ELSEWHERE = 'Patchwork in VS Code on your machine keeps models on the disk.';

/** A browser has no environment variables; the caller's own settings reach the hub by its options. */
export const hubEnvironment: HubEnvironment = {
  cache: () => '/data/hub',
  endpoint: () => undefined,
  offline: () => false,
  token: async () => undefined,
  room: (bytes) =>
    Number.isFinite(bytes)
      ? `the browser lets this site keep another ${formatBytes(bytes)}`
      : 'the browser does not say how much this site may keep',
  tooLarge: ({ free, needed }) =>
    free === 0
      ? `This browser keeps no files for this site, as in a private window, so nothing can be downloaded. ${ELSEWHERE}`
      : `This browser lets this site keep another ${formatBytes(free)}, and ${formatBytes(needed)} are needed. Remove models that you do not use. ${ELSEWHERE}`,
  // A browser tells a page only that a request failed.
  reachable: 'Check your connection, and whether this browser may reach it from this page,',
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
