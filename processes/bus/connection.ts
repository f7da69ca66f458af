import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { InputError } from '../../engine/errors.ts';
import { readBytes } from '../../engine/read-bytes.ts';
import type { BusOptions } from '../../shared/api.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { busAddress, userOf } from './address.ts';

/** How long a server may take to answer. */
const TIMEOUT_MS = 5000;
/** Largest file of a password, credentials or certificates. */
const MAX_FILE_BYTES = 1 << 20;
const DEFAULT_PORT = '4222';

/**
 * Connects to a NATS server. `tls://` asks for an encrypted connection.
 * @throws InputError if the address is not one, a file cannot be read, or the server does not answer or refuses.
 */
export async function connectBus(options: BusOptions, name: string): Promise<NatsConnection> {
  const url = busAddress(options.url);
  const secure = url.protocol === 'tls:' || options.authority !== undefined;
  const ca = options.authority && (await readText(options.authority));
  const credentials = options.credentials && (await readText(options.credentials));
  const { user, password } = userOf(url);
  if (options.passwordFile && !user)
    throw new InputError(
      `The address ${url.host} has no user that the password in ${options.passwordFile} is for: write ${url.protocol}//USER@${url.host}.`,
    );
  const pass = password || (await passwordFor(options));
  try {
    return await connect({
      servers: `${url.hostname}:${url.port || DEFAULT_PORT}`,
      name,
      timeout: TIMEOUT_MS,
      maxReconnectAttempts: -1,
      ...(user && { user, pass }),
      ...(credentials && { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
      ...(secure && { tls: { ...(ca && { ca }), ...addressCheck(url.hostname) } }),
    });
  } catch (error) {
    throw new InputError(`Can't connect to the bus at ${url.host} (${messageOf(error)}).`, { cause: error });
  }
}

/** The client checks names in certificates, not addresses. Addresses are checked here. */
function addressCheck(hostname: string) {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  if (!isIP(address)) return {};
  return {
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      checkServerIdentity(address, certificate),
  };
}

/** Sends pending messages and closes the connection, which may be lost already. */
export async function leaveBus(bus: NatsConnection): Promise<void> {
  if (bus.isClosed()) return;
  await bus.drain().catch(() => bus.close());
}

/** The password from its file. One in the address would be visible to processes of other users. */
async function passwordFor({ passwordFile }: BusOptions): Promise<string> {
  if (passwordFile) return (await readText(passwordFile)).replace(/\r?\n$/, '');
  return process.env.PATCHWORK_BUS_PASSWORD ?? '';
}

async function readText(file: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(file, MAX_FILE_BYTES));
}
