/** A graphics card, as the system describes it. */
export interface Card {
  name: string;
  /** Name and version of its driver, or what else changes with it. */
  driver: string;
  /** Bytes of memory that it may take; absent if it shares the machine's, or the system does not report it. */
  memoryBytes?: number;
}

/**
 * Least own memory that is believed of a card of unknown make. An integrated GPU reports the part of main memory that the
 * firmware has set aside for it, usually 128 MB to 2 GB, but takes much more.
 */
const LEAST_OWN = 3e9;

/** The memory of a card that reports so many bytes as its own. */
export function ownMemory(name: string, bytes: number): Pick<Card, 'memoryBytes'> {
  const isOwn = /nvidia/i.test(name) ? bytes > 0 : bytes >= LEAST_OWN;
  return isOwn ? { memoryBytes: bytes } : {};
}
