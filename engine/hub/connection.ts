import { HubError, isTransient } from './errors.ts';
import type { HubSettings } from './settings.ts';

/** Attempts before a failure is reported. */
const ATTEMPTS = 5;
/** Longest wait that the hub may ask for, in milliseconds; beyond that the user is asked to try later. */
const LONGEST_WAIT = 30_000;

/**
 * `fetch` for one task: `signal` aborts it, any status but success is an error, and the access token goes to the hub
 * only.
 */
export function connection(settings: HubSettings, signal?: AbortSignal): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init.headers);
    if (url.origin !== new URL(settings.endpoint).origin) headers.delete('authorization');
    const response = await settings.fetch(url, {
      ...init,
      headers: Object.fromEntries(headers),
      ...(signal && { signal }),
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw new HubError(response);
  };
}

/** Retries what failed for a temporary reason. `progressed`: whether an attempt got further. */
export async function repeatedly<Result>(
  settings: HubSettings,
  signal: AbortSignal | undefined,
  attempt: () => Promise<Result>,
  progressed: () => boolean = () => false,
): Promise<Result> {
  for (let failures = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      failures = progressed() ? 1 : failures + 1;
      const asked = error instanceof HubError ? (error.retryAfter ?? 0) * 1000 : 0;
      if (!isTransient(error) || failures >= ATTEMPTS || asked > LONGEST_WAIT) throw error;
      await sleep(Math.max(asked, settings.retryDelay * 2 ** (failures - 1)), signal);
    }
  }
}

/** Waits for `ms` milliseconds. @throws the signal's reason when it aborts */
function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Ends a connection that has been silent for too long. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #timeout: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(timeout: number) {
    this.#timeout = timeout;
    this.alive();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Call this when data arrives. */
  alive(): void {
    clearTimeout(this.#timer);
    const stalled = () =>
      this.#controller.abort(new TypeError('fetch failed', { cause: new Error('nothing came for a while') }));
    this.#timer = setTimeout(stalled, this.#timeout);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
