import { Command } from 'commander';
import { EMBEDDED } from '../../engine/models/embedded.ts';
import { chooseDevice } from '../../processes/devices/devices.ts';
import { withoutSecrets } from '../../shared/address.ts';
import { DEVICES, startEngine } from '../engine.ts';
import { interruptible } from '../interrupt.ts';
import { type CommonOptions, withCommonOptions, withExamples } from '../options.ts';
import { note, print } from '../output.ts';
import { type BusCommandOptions, busOptions, withBusAccess } from '../workers.ts';

type Options = CommonOptions &
  BusCommandOptions & {
    bus: string;
    model: string[];
    lora?: string[];
    controlModel?: string[];
    referenceModel?: string[];
  };

export function workerCommand(): Command {
  const command = new Command('worker')
    .description('Compute parts of images for other machines, until Ctrl-C. It listens on no port.')
    .requiredOption('--bus <url>', 'the NATS server that they meet at, nats://… or tls://… (required)')
    .option('--model <folder...>', 'the models to work for', [EMBEDDED])
    .option('--lora <file...>', 'LoRA files that images may use')
    .option('--control-model <folder...>', 'ControlNets that images may use')
    .option('--reference-model <file...>', 'IP-Adapters that images may use');
  return withExamples(
    withCommonOptions(withBusAccess(command)).action(run),
    'worker --bus tls://192.168.1.10:4222 --bus-authority ca.pem',
    'worker --bus tls://192.168.1.10:4222 --model sd15 --lora style.safetensors',
  );
}

async function run(options: Options): Promise<void> {
  const signal = interruptible(options.model[0]);
  const bus = busOptions(options)!;
  const { BusWorker } = await import('../../processes/bus/worker.ts');
  const { model: models, threads, device } = options;
  const { lora: loras, controlModel: controls, referenceModel: references } = options;
  const opened = await chooseDevice(device ?? 'cpu', DEVICES);
  const worker = await BusWorker.start({
    bus,
    models,
    additions: { loras, controls, references },
    threads,
    openEngine: () => startEngine(opened.id),
    crew: { device: opened },
    onLog: note,
  });
  print(
    options,
    { worker: worker.id, models, device: opened.id },
    () => `Working for ${withoutSecrets(bus.url)} as ${worker.id.slice(0, 4)}.`,
  );
  const stopped = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  await Promise.race([stopped, worker.closed()]);
  await worker.stop();
}
