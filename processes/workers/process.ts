/**
 * A worker process: forked by `LocalCrew` (crew.ts), bundled to dist/worker.mjs.
 * Its arguments: threads for a network run, the folder that its mail is in, bytes for recorded features, and
 * the device, the processor if there is none.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { backendOf } from '../../engine/host/node/devices/open.ts';
import { openWithAdditions } from '../../engine/models/additions.ts';
import { PatchWorker } from '../../engine/parallel/worker.ts';
import { answer, queue } from '../engine/answers.ts';
import { parentConnection } from '../engine/parent.ts';
import { endWithParent } from '../engine/serve.ts';
import { FileMailbox } from './file-mailbox.ts';
import { begin, end, keep, step } from './protocol.ts';

const [threads, mailFolder, storeBudget, device] = process.argv.slice(2);
if (!mailFolder) throw new Error('a worker process is started by a crew');
const backend = backendOf(device, Number(threads));
const worker = new PatchWorker(backend, backend.threads, openWithAdditions, Number(storeBudget));
const connection = parentConnection();
const { turn } = queue();
answer(connection, begin, ({ job, mail }, options) =>
  turn(options, async () => worker.begin(job, await FileMailbox.open(mailIn(mail), job.index))),
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
process.on('exit', () => {
  // The process that started the workers is gone and cannot clean up.
  if (!process.connected) rmSync(mailFolder, { recursive: true, force: true });
});
endWithParent();
connection.listen();

function mailIn(name: string): string {
  return path.join(mailFolder!, path.basename(name));
}
