/** The number of bytes that WebAssembly can address. */
const ADDRESSES = 4 * 2 ** 30;

/** The user's cache folder for Patchwork, in the store that is mounted at `/data`. */
export function cacheFolder(): string {
  return '/data/cache';
}

/** A page has one store, which holds the cache. */
export async function spareFolders(): Promise<readonly string[]> {
  return [];
}

/** The embedded models, in the store that is mounted at `/models`. */
export function modelsFolder(): string {
  return '/models';
}

/** What a network may take: browsers round the machine's memory down to at most 8 GB, and some say nothing. */
export function memoryBytes(): number {
  const { deviceMemory = 4 } = navigator as { deviceMemory?: number };
  return Math.min(deviceMemory * 2 ** 30, ADDRESSES);
}

const waiting: (() => void)[] = [];
const channel = new MessageChannel();
channel.port1.onmessage = () => waiting.shift()?.();

/** By a message, since a browser delays timers that follow each other. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(undefined);
  });
}
