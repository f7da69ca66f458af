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
});
const modelsSchema = z.array(z.string().max(128));

interface FoundWorker {
  worker: string;
  name: string;
  busy: boolean;
}

/**
 * Workers of a bus that have a model, given by its content hash, and run this version, and why the others cannot be
 * used.
 */
export async function findWorkers(
  bus: NatsConnection,
  hash: string,
): Promise<{ found: FoundWorker[]; others: string[] }> {
  const found: FoundWorker[] = [];
  const others: string[] = [];
  for (const { metadata, version } of await services(bus)) {
    const known = metadataSchema.safeParse(metadata);
    if (!known.success) continue;
    const { worker, host, protocol, models } = known.data;
    const name = `${plainText(host, 60)} (${worker.slice(0, 4)})`;
    if (version !== packageJson.version || protocol !== String(PROTOCOL))
      others.push(`${name} runs ${plainText(version, 40)}`);
    else if (!holds(models, hash)) others.push(`${name} does not have the model`);
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
    const nobody = [error, (error as Error).cause].some((one) => one instanceof NoRespondersError);
    if (!nobody) throw error;
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

function holds(models: string, hash: string): boolean {
  try {
    const list = modelsSchema.safeParse(JSON.parse(models));
    return list.success && list.data.includes(hash);
  } catch {
    return false;
  }
}
