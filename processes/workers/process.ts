/**
 * A worker process: forked by `LocalCrew` (crew.ts), bundled to dist/worker.mjs.
 * Its arguments: threads for a network run, the folder that its mail is in, bytes for recorded features, and
 * the device, the processor if there is none.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { deviceIn, openBackend } from '../../engine/backends/node/devices/open.ts';
import { openWithAdditions } from '../../engine/models/additions.ts';
import { PatchWorker } from '../../engine/parallel/worker.ts';
import { parentConnection } from '../engine/parent.ts';
import { endWithParent } from '../engine/serve.ts';
import { answerCrew } from './answers.ts';
import { FileMailbox } from './file-mailbox.ts';

const [threads, mailFolder, storeBudget, device] = process.argv.slice(2);
if (!mailFolder) throw new Error('a worker process is started by a crew');
const backend = openBackend(deviceIn(device), Number(threads));
const worker = new PatchWorker(backend, backend.threads, openWithAdditions, Number(storeBudget));
const connection = parentConnection();
answerCrew(connection, worker, (mail, band) => FileMailbox.open(mailIn(mail), band));
process.on('exit', () => {
  // The process that started the workers is gone and cannot clean up.
  if (!process.connected) rmSync(mailFolder, { recursive: true, force: true });
});
endWithParent();
connection.listen();

function mailIn(name: string): string {
  return path.join(mailFolder!, path.basename(name));
}
