/** A call that stands for several. */
export interface Coalesced {
  (): void;
  /** Drops a call that has not been made yet. */
  cancel(): void;
}

/**
 * Calls `wait` milliseconds after it is asked to, once for everything that was asked meanwhile. What has ended before
 * that is never shown, so short runs do not flicker and cost nothing to show.
 */
export function coalesced(call: () => void, wait: number): Coalesced {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const ask = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      call();
    }, wait);
  };
  return Object.assign(ask, { cancel });
}
