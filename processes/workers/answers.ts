import type { MessageConnection } from 'vscode-jsonrpc';
import type { Mailbox } from '../../engine/execution/bands/mailbox.ts';
import type { PatchWorker } from '../../engine/parallel/worker.ts';
import { answer, queue } from '../engine/answers.ts';
import { begin, end, keep, step } from './protocol.ts';

/** Answers the calls of a crew on a connection, one after another. `mailbox`: opens that of a band, by the job's mail. */
export function answerCrew(
  connection: MessageConnection,
  worker: PatchWorker,
  mailbox: (mail: string, band: number) => Mailbox | Promise<Mailbox>,
): void {
  const { turn } = queue();
  answer(connection, begin, ({ job, mail }, options) =>
    turn(options, async () => worker.begin(job, await mailbox(mail, job.index))),
  );
  answer(connection, step, (call, options) => turn(options, () => worker.step(call)));
  answer(connection, keep, ({ job, picture }, options) =>
    turn(options, async () => {
      await worker.keep(job, picture);
      return null;
    }),
  );
  answer(connection, end, (job, options) =>
    turn(options, async () => {
      await worker.end(job);
      return null;
    }),
  );
}
