/**
 * How the workers of an image exchange features. A message belongs to a step and goes from one band to another or to all.
 * It consists of parts whose sizes both sides know. Nothing is exchanged while a network runs.
 */
export interface Mailbox {
  /** Makes the parts of a finished step available. They may be reused once the promise is fulfilled. */
  post(step: number, to: Recipient, parts: readonly Uint8Array[]): Promise<void>;
  /** Fills the slots with the parts that band `from` posted for that step. Rejects if they are not available. */
  fetch(step: number, from: number, to: Recipient, slots: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
}

/** The index of a band, or all bands except the sender's. */
export type Recipient = number | 'all';

/** A message is missing or invalid, so the step must be computed without it. */
export class MissingFeaturesError extends Error {
  override name = 'MissingFeaturesError';
}

export function byteLengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((total, { byteLength }) => total + byteLength, 0);
}

/** Mailboxes of bands that are computed in one process. */
export function memoryMailboxes(count: number): Mailbox[] {
  const posted = new Map<string, Uint8Array[]>();
  const key = (step: number, from: number, to: Recipient) => `${step} ${from} ${to}`;
  return Array.from({ length: count }, (_, band) => ({
    async post(step, to, parts) {
      posted.delete(key(step - 2, band, to));
      posted.set(
        key(step, band, to),
        parts.map((part) => part.slice()),
      );
    },
    async fetch(step, from, to, slots) {
      const parts = posted.get(key(step, from, to));
      if (!parts) throw new MissingFeaturesError(`band ${from} posted nothing to ${to} for step ${step}`);
      for (const [i, slot] of slots.entries()) slot.set(parts[i]!);
    },
    async close() {
      posted.clear();
    },
  }));
}
