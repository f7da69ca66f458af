import { InputError } from '../../../errors.ts';

/**
 * `fetch` through the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names, but for hosts in NO_PROXY: Node's own does
 * not read them. VS Code's own `fetch` follows its settings.
 * @throws InputError naming the variable whose proxy cannot be used
 */
export async function environmentFetch(): Promise<typeof globalThis.fetch> {
  const [http, https] = [proxyIn('HTTP_PROXY'), proxyIn('HTTPS_PROXY')];
  // Where one is named for a scheme, that for all is often a SOCKS proxy, which is then not needed.
  const proxy = https ?? http ?? proxyIn('ALL_PROXY');
  if (!proxy) return globalThis.fetch;
  // In a bundle a CommonJS package has its default export only.
  const undici = await import('undici');
  const { EnvHttpProxyAgent, fetch } = undici.default as unknown as typeof undici;
  const proxies = { httpProxy: http ?? proxy, httpsProxy: proxy };
  const dispatcher = withoutWarning(() => new EnvHttpProxyAgent(proxies));
  // The types of undici's own classes are not those of Node's, which are made from another version of it.
  const proxied = fetch as unknown as typeof globalThis.fetch;
  return (input, init) => proxied(input, { ...init, dispatcher } as RequestInit);
}

/** Makes an agent that undici calls experimental: its warning would stand among what is said to users. */
function withoutWarning<Made>(make: () => Made): Made {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return make();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** The address of a proxy in a variable, whose name may be in lower case; `http://` may be left out, as for curl. */
function proxyIn(name: string): string | undefined {
  const text = (process.env[name.toLowerCase()] || process.env[name])?.trim();
  if (!text) return undefined;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && /^https?:$/.test(url.protocol) && isPlain(url)) return address;
  // Addresses of proxies may hold a password.
  if (url && /^socks/.test(url.protocol))
    throw new InputError(
      `${name} names a ${url.protocol.slice(0, -1)} proxy, which is not supported; name an HTTP proxy, or unset it.`,
    );
  throw new InputError(
    `${name} is not the address of a proxy, like http://127.0.0.1:7890; in a user’s name or password # is written as %23, / as %2F, @ as %40 and % as %25.`,
  );
}

/** Whether an address is that of a host, with a user and a password that are escaped correctly. */
function isPlain({ hostname, pathname, search, hash, username, password }: URL): boolean {
  const isHost = /^([\w.-]+|\[[\da-f:.]+\])$/i.test(hostname);
  return (
    isHost && pathname === '/' && !search && !hash && /^(?:[^%]|%[\da-f]{2})*$/i.test(username + password)
  );
}
