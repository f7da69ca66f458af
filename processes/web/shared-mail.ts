import { NotificationType } from 'vscode-jsonrpc';
import {
  byteLengthOf,
  type Mailbox,
  MissingFeaturesError,
  type Recipient,
} from '../../engine/execution/bands/mailbox.ts';

/** What a band gives others in a step. Its bytes are in memory that all workers of the crew share. */
export interface Letter {
  /** Marks the letters of one job. */
  mail: string;
  step: number;
  from: number;
  to: Recipient;
  bytes: SharedArrayBuffer;
}

/**
 * Worker → engine → the other workers. They are sent before the answer to the call that made them, over the same
 * connections, so they have arrived when the next step is asked for.
 */
export const mailed = new NotificationType<Letter>('mailed');

/**
 * The letters of one worker. The memory of a step's letters is used again two steps later, when no one can still be reading
 * it: the step between needed them read.
 */
export class SharedMail {
  readonly #send: (letter: Letter) => void;
  #mail: string | undefined;
  readonly #sent = new Map<string, SharedArrayBuffer>();
  readonly #received = new Map<string, Letter>();

  constructor(send: (letter: Letter) => void) {
    this.#send = send;
  }

  receive(letter: Letter): void {
    if (letter.mail === this.#mail) this.#received.set(placeOf(letter), letter);
  }

  /** The mailbox of a band of the job whose letters are marked with `mail`; the job before is over. */
  open(mail: string, band: number): Mailbox {
    this.#clear();
    this.#mail = mail;
    return {
      post: async (step, to, parts) => this.#post({ mail, step, from: band, to }, parts),
      fetch: async (step, from, to, slots) => this.#fetch({ step, from, to }, slots),
      close: async () => this.#clear(),
    };
  }

  #post(letter: Omit<Letter, 'bytes'>, parts: readonly Uint8Array[]): void {
    const place = placeOf(letter);
    const length = byteLengthOf(parts);
    let bytes = this.#sent.get(place);
    if (bytes?.byteLength !== length) bytes = new SharedArrayBuffer(length);
    this.#sent.set(place, bytes);
    let at = 0;
    for (const part of parts) {
      new Uint8Array(bytes, at, part.byteLength).set(part);
      at += part.byteLength;
    }
    this.#send({ ...letter, bytes });
  }

  #fetch(wanted: Pick<Letter, 'step' | 'from' | 'to'>, slots: readonly Uint8Array[]): void {
    const letter = this.#received.get(placeOf(wanted));
    if (letter?.step !== wanted.step || letter.bytes.byteLength !== byteLengthOf(slots))
      throw new MissingFeaturesError(
        `features of step ${wanted.step + 1} from band ${wanted.from + 1} are missing`,
      );
    let at = 0;
    for (const slot of slots) {
      slot.set(new Uint8Array(letter.bytes, at, slot.byteLength));
      at += slot.byteLength;
    }
  }

  #clear(): void {
    this.#mail = undefined;
    this.#sent.clear();
    this.#received.clear();
  }
}

/** Two steps' letters are kept. */
function placeOf({ step, from, to }: Pick<Letter, 'step' | 'from' | 'to'>): string {
  return `${step % 2} ${from} ${to}`;
}
