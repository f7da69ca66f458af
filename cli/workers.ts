import { type Command, Option } from 'commander';
import { exposureOf } from '../processes/bus/address.ts';
import {
  type BusOptions,
  type GenerateRequest,
  PARALLEL_MODES,
  type ParallelMode,
  SPLITS,
  type Split,
} from '../shared/api.ts';
import { CODINGS, type Coding } from '../shared/codings.ts';
import { LIMITS } from '../shared/limits.ts';
import { wholeNumber } from './options.ts';
import { note } from './output.ts';

/** Options of commands that find workers on a bus. */
export interface BusCommandOptions {
  bus?: string;
  busPasswordFile?: string;
  busCredentials?: string;
  busAuthority?: string;
}

/** Options of commands that can share their work among workers. */
export interface WorkerOptions extends BusCommandOptions {
  workers?: number;
  patchMode?: ParallelMode;
  warmUp?: number;
  exchange?: Coding;
  split?: Split;
}

export function withBusOptions(command: Command, what = 'use workers of other machines, from'): Command {
  return withBusAccess(command.option('--bus <url>', `${what} this NATS server (nats://…, tls://…)`));
}

/** What gives access to a bus, beside its address. */
export function withBusAccess(command: Command): Command {
  return command
    .option(
      '--bus-password-file <file>',
      'the password of the address’s user (or set PATCHWORK_BUS_PASSWORD)',
    )
    .option('--bus-credentials <file>', 'a NATS credentials file')
    .option('--bus-authority <file>', 'CA certificate of the server');
}

export function withWorkerOptions(command: Command): Command {
  command.addOption(
    new Option('--workers <n>', 'workers that share the image; --threads is then for each').argParser(
      wholeNumber(1, LIMITS.workers.max),
    ),
  );
  return withBusOptions(command)
    .addOption(new Option('--patch-mode <mode>', 'what workers see of each other').choices(PARALLEL_MODES))
    .addOption(
      new Option('--warm-up <n>', 'full steps before workers divide the image').argParser(
        wholeNumber(0, LIMITS.steps.max),
      ),
    )
    .addOption(new Option('--exchange <coding>', 'how features travel between workers').choices(CODINGS))
    .addOption(
      new Option('--split <how>', 'bands: never split guidance branches across workers').choices(SPLITS),
    );
}

/** The part of a request that these options make. */
export function workerRequest(options: WorkerOptions): Pick<GenerateRequest, 'workers' | 'bus' | 'patch'> {
  const { workers, patchMode: mode, warmUp, exchange: coding, split } = options;
  return { workers, bus: busOptions(options), patch: { mode, warmUp, coding, split } };
}

/** The bus that the options name. Warns on stderr if it is unsafe. */
export function busOptions(given: BusCommandOptions): BusOptions | undefined {
  const { bus, busPasswordFile: passwordFile, busCredentials: credentials, busAuthority: authority } = given;
  if (!bus) return undefined;
  const options = { url: bus, passwordFile, credentials, authority };
  const exposed = exposureOf(options);
  if (exposed) note(exposed);
  return options;
}
