import { InputError } from '../../engine/errors.ts';
import { withoutSecrets } from '../../shared/address.ts';
import type { BusOptions } from '../../shared/api.ts';

/** A sentence about a bus whose messages others could read or write, or undefined. */
export function exposureOf(options: BusOptions): string | undefined {
  const url = busAddress(options.url);
  if (/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)) return undefined;
  if (url.protocol !== 'tls:' && options.authority === undefined)
    return `The connection to ${url.host} is not encrypted: everybody on the network can read and change your images.`;
  if (!url.username && !options.credentials)
    return `The bus at ${url.host} is used without credentials: everybody on the network can use its workers.`;
  return undefined;
}

/** @throws InputError if it is not the address of a NATS server. */
export function busAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && /^\/?$/.test(url.pathname) && !url.search && !url.hash;
  if (isPlain && ['nats:', 'tls:'].includes(url.protocol) && url.hostname) return url;
  const hint = text.includes('@')
    ? ' In a user’s name or password # is written as %23, / as %2F, ? as %3F, @ as %40 and % as %25.'
    : '';
  throw new InputError(
    `The bus must be one address like nats://127.0.0.1:4222 or tls://host, not “${withoutSecrets(text)}”.${hint}`,
  );
}

/** User and password of an address, decoded. @throws InputError if they are not escaped correctly */
export function userOf(url: URL): { user: string; password: string } {
  try {
    return { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  } catch {
    throw new InputError(`The user or the password for ${url.host} holds a %, which is written as %25.`);
  }
}
