import { InputError } from '../../../errors.ts';

/**
 * `fetch` through the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names, but for hosts in NO_PROXY: Node's own does
 * not read them. VS Code's own `fetch` follows its settings.
 * @throws InputError naming the variable whose proxy cannot be used
 */
export async function environmentFetch(): Promise<typeof globalThis.fetch> {
  const all = proxyIn('ALL_PROXY');
  const httpProxy = proxyIn('HTTP_PROXY') ?? all;
  const httpsProxy = proxyIn('HTTPS_PROXY') ?? httpProxy;
  if (!httpsProxy) return globalThis.fetch;
  // In a bundle a CommonJS package has its default export only.
  const undici = await import('undici');
  const { EnvHttpProxyAgent, fetch } = undici.default as unknown as typeof undici;
  const dispatcher = new EnvHttpProxyAgent({ httpProxy: httpProxy ?? httpsProxy, httpsProxy });
  // The types of undici's own classes are not those of Node's, which are made from another version of it.
  const proxied = fetch as unknown as typeof globalThis.fetch;
  return (input, init) => proxied(input, { ...init, dispatcher } as RequestInit);
}

/** The address of a proxy in a variable, whose name may be in lower case; `http://` may be left out, as for curl. */
function proxyIn(name: string): string | undefined {
  const text = (process.env[name.toLowerCase()] || process.env[name])?.trim();
  if (!text) return undefined;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.hostname) return address;
  // Addresses of proxies may hold a password.
  if (url && /^socks/.test(url.protocol))
    throw new InputError(
      `${name} names a ${url.protocol.slice(0, -1)} proxy, which is not supported; name an HTTP proxy, or unset it.`,
    );
  throw new InputError(`${name} is not the address of a proxy, like http://127.0.0.1:7890.`);
}
