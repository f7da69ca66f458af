/**
 * `fetch` through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name: Node's own does not read them. VS Code
 * sees to its own `fetch`, which follows its settings.
 */
export async function environmentFetch(): Promise<typeof globalThis.fetch> {
  const named = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => process.env[name]);
  if (!named) return globalThis.fetch;
  const { EnvHttpProxyAgent, fetch } = await import('undici');
  const dispatcher = new EnvHttpProxyAgent();
  // The types of undici's own classes are not those of Node's, which are made from another version of it.
  const proxied = fetch as unknown as typeof globalThis.fetch;
  return (input, init) => proxied(input, { ...init, dispatcher } as RequestInit);
}
