import { type ServiceInfo, Svcm } from '@nats-io/services';
import { type NatsConnection, NoRespondersError } from '@nats-io/transport-node';
import * as z from 'zod';
import packageJson from '../../package.json' with { type: 'json' };
import { plainText } from '../../shared/plainText.ts';
import { PROTOCOL, SERVICE } from './wire.ts';

/** How long workers may take to answer a discovery. */
const DISCOVERY_MS = 700;

const metadataSchema = z.object({
  worker: z.uuid(),
  host: z.string().max(256),
  protocol: z.string(),
  models: z.string().max(1 << 16),
  additions: z
    .string()
    .max(1 << 16)
    .default('[]'),
});
const hashesSchema = z.array(z.string().max(128));

interface FoundWorker {
  worker: string;
  name: string;
  busy: boolean;
}

/**
 * Workers of a bus that have a model, given by its content hash, and what is added to it, and run this version; and why
 * the others cannot be used.
 * @param added names of files by their content hash
 */
export async function findWorkers(
  bus: NatsConnection,
  hash: string,
  added: ReadonlyMap<string, string> = new Map(),
): Promise<{ found: FoundWorker[]; others: string[] }> {
  const found: FoundWorker[] = [];
  const others: string[] = [];
  for (const { metadata, version } of await services(bus)) {
    const known = metadataSchema.safeParse(metadata);
    if (!known.success) continue;
    const { worker, host, protocol, models, additions } = known.data;
    const held = hashesIn(additions);
    const lacking = [...added].filter(([file]) => !held.includes(file)).map(([, called]) => called);
    const name = `${plainText(host, 60)} (${worker.slice(0, 4)})`;
    if (version !== packageJson.version || protocol !== String(PROTOCOL))
      others.push(`${name} runs ${plainText(version, 40)}`);
    else if (!hashesIn(models).includes(hash)) others.push(`${name} does not have the model`);
    else if (lacking.length > 0) others.push(`${name} does not have ${lacking.join(', ')}`);
    else found.push({ worker, name, busy: await isBusy(bus, worker) });
  }
  return { found: found.sort((a, b) => a.name.localeCompare(b.name)), others };
}

async function services(bus: NatsConnection): Promise<ServiceInfo[]> {
  const client = new Svcm(bus).client({ strategy: 'timer', maxWait: DISCOVERY_MS });
  const found: ServiceInfo[] = [];
  try {
    for await (const service of await client.info(SERVICE)) found.push(service);
  } catch (error) {
    const unanswered = [error, (error as Error).cause].some((one) => one instanceof NoRespondersError);
    if (!unanswered) throw error;
  }
  return found;
}

async function isBusy(bus: NatsConnection, worker: string): Promise<boolean> {
  try {
    const reply = await bus.request(`patchwork.worker.${worker}.status`, '', { timeout: DISCOVERY_MS });
    return reply.json<{ busy?: unknown }>().busy !== false;
  } catch {
    return true;
  }
}

/** Content hashes that a worker has announced. */
function hashesIn(announced: string): readonly string[] {
  try {
    return hashesSchema.safeParse(JSON.parse(announced)).data ?? [];
  } catch {
    return [];
  }
}
