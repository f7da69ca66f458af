/**
 * How the workers of one picture pass features to each other. A message belongs to a step and goes from one band to one
 * other or to all; it consists of parts whose sizes both sides know. Nothing is exchanged while a network runs.
 */
export interface Mailbox {
  /** Makes the parts of a finished step available; they may be reused when the promise is kept. */
  post(step: number, to: Recipient, parts: readonly Uint8Array[]): Promise<void>;
  /** Fills the slots with the parts that band `from` posted for that step; rejects if they cannot be had. */
  fetch(step: number, from: number, to: Recipient, slots: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
}

/** The number of a band, or all bands but the sender's. */
export type Recipient = number | 'all';

/** What a band posted has not come, or is not what it should be: the step must be computed without it. */
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
