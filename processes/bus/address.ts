import { InputError } from '../../engine/errors.ts';
import type { BusOptions } from '../../shared/api.ts';

/** A sentence about a bus whose messages others could read or write, or undefined. */
export function exposureOf(options: BusOptions): string | undefined {
  const url = busAddress(options.url);
  if (/^(localhost|127\.|\[::1\])/.test(url.hostname)) return undefined;
  if (url.protocol !== 'tls:' && options.authority === undefined)
    return `The connection to ${url.host} is not encrypted: everybody on the network can read and change what is drawn.`;
  if (!url.username && !options.credentials)
    return `The bus at ${url.host} is used without credentials: everybody on the network can use its workers.`;
  return undefined;
}

/** @throws InputError if it is not the address of a NATS server. */
export function busAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['nats:', 'tls:'].includes(url.protocol) || !url.hostname)
    throw new InputError(
      `The bus must be an address like nats://127.0.0.1:4222 or tls://host, not “${text}”.`,
    );
  return url;
}
