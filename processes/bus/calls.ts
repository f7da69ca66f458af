import type { NatsConnection } from '@nats-io/transport-node';
import * as z from 'zod';
import { MemberLostError } from '../../engine/parallel/job.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { plainText } from '../../shared/plainText.ts';
import { type Parcel, receiveParcels, sendParcel } from './parcels.ts';
import { MAX_CALL_BYTES } from './wire.ts';

/** How often a worker reports that it works on a call. */
const WORKING_MS = 1000;
/** Number of answers that are kept for repeated calls. */
const KEPT_ANSWERS = 8;
/** Characters of an error that are sent. */
const ERROR_CHARACTERS = 2000;

/** Subjects for answers: inboxes only, never a subject that the sender chooses. */
const askSchema = z.object({ ask: z.string().max(64), reply: z.string().regex(/^_INBOX\.[\w-]{1,128}$/) });

/**
 * Answers the calls at a subject, each once: a call that is repeated gets the answer of the first.
 * @param run carries a call out; what it throws is the answer
 */
export function serveCalls(
  bus: NatsConnection,
  subject: string,
  run: (call: Parcel) => Promise<Parcel>,
  log: (error: unknown) => void,
): void {
  const calls = new Calls(bus, run, log);
  receiveParcels(bus, subject, MAX_CALL_BYTES, (call) => void calls.answer(call).catch(log));
}

class Calls {
  readonly #bus: NatsConnection;
  readonly #run: (call: Parcel) => Promise<Parcel>;
  readonly #log: (error: unknown) => void;
  readonly #answers = new Map<string, Parcel | 'working'>();

  constructor(bus: NatsConnection, run: (call: Parcel) => Promise<Parcel>, log: (error: unknown) => void) {
    this.#bus = bus;
    this.#run = run;
    this.#log = log;
  }

  async answer(call: Parcel): Promise<void> {
    const asked = askSchema.safeParse(call.head);
    if (!asked.success) return;
    const { ask, reply } = asked.data;
    const working = () => void sendParcel(this.#bus, reply, { ask, working: true }).catch(this.#log);
    const before = this.#answers.get(ask);
    // The first of the repeated calls is answered when it is done.
    if (before === 'working') return working();
    const answer = before ?? (await this.#answerTo(call, ask, working));
    await sendParcel(this.#bus, reply, { ask, answer: answer.head }, answer.body);
  }

  async #answerTo(call: Parcel, ask: string, working: () => void): Promise<Parcel> {
    this.#answers.set(ask, 'working');
    working();
    const timer = setInterval(working, WORKING_MS);
    const answer = await this.#run(call).catch((error: unknown) => ({
      head: { error: plainText(messageOf(error), ERROR_CHARACTERS), lost: error instanceof MemberLostError },
      body: new Uint8Array(),
    }));
    clearInterval(timer);
    this.#answers.set(ask, answer);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= KEPT_ANSWERS) break;
      if (this.#answers.get(oldest) !== 'working') this.#answers.delete(oldest);
    }
    return answer;
  }
}
