import { Command } from 'commander';
import { EMBEDDED } from '../../engine/models/embedded.ts';
import { startEngine } from '../engine.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { note, print } from '../output.ts';
import { interruptible } from '../progress.ts';
import { busOptions } from '../workers.ts';

type Options = CommonOptions & {
  bus: string;
  busCredentials?: string;
  busAuthority?: string;
  model: string[];
};

export function workerCommand(): Command {
  const command = new Command('worker')
    .description('Compute parts of pictures for other machines, until Ctrl-C. It listens on no port.')
    .requiredOption('--bus <url>', 'the NATS server that they meet at (nats://…, tls://…)')
    .option('--bus-credentials <file>', 'a NATS credentials file')
    .option('--bus-authority <file>', 'the certificate that the server’s is signed by')
    .option('--model <folder...>', 'the models to work for', [EMBEDDED]);
  return withCommonOptions(command).action(run);
}

async function run(options: Options): Promise<void> {
  const signal = interruptible();
  const bus = busOptions(options)!;
  const { BusWorker } = await import('../../processes/bus/worker.ts');
  const { model: models, threads } = options;
  const worker = await BusWorker.start({ bus, models, threads, openEngine: startEngine, onLog: note });
  print(options, { worker: worker.id, models }, () => `Working for ${bus.url} as ${worker.id.slice(0, 4)}.`);
  const stopped = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  await Promise.race([stopped, worker.closed()]);
  await worker.stop();
}
