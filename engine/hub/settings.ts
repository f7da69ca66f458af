import { hubEnvironment } from '#host';
import { InputError } from '../errors.ts';

/** How the hub is reached, and where what comes from it is kept. */
export interface HubSettings {
  /** Address without a slash at its end. */
  endpoint: string;
  /** The cache that all Hugging Face tools share. */
  cache: string;
  /** Nothing is asked for from the network. */
  offline: boolean;
  /** Access token, for models that ask for one; never empty. */
  token?: string;
  fetch: typeof globalThis.fetch;
  /** Milliseconds before the first repetition of a failed request; each further one waits twice as long. */
  retryDelay: number;
  /** Milliseconds without a byte after which a connection counts as broken. */
  stallTimeout: number;
}

const ENDPOINT = 'https://huggingface.co';

/**
 * Settings from the environment variables of Hugging Face's own tools: HF_ENDPOINT, HF_HUB_CACHE and HF_HOME,
 * HF_HUB_OFFLINE, HF_TOKEN or the token that `hf auth login` has stored. `given` overrides them (an empty
 * token: none).
 * @throws InputError if HF_ENDPOINT is not a web address.
 */
export async function hubSettings(given: Partial<HubSettings> = {}): Promise<HubSettings> {
  const endpoint = (given.endpoint ?? hubEnvironment.endpoint() ?? ENDPOINT).replace(/\/+$/, '');
  if (!/^https?:/i.test(endpoint) || !URL.canParse(endpoint))
    throw new InputError(`HF_ENDPOINT must be an address like ${ENDPOINT}, not ${endpoint}.`);
  const { token: givenToken, ...others } = given;
  const token = givenToken ?? (await hubEnvironment.token());
  return {
    cache: hubEnvironment.cache(),
    offline: hubEnvironment.offline(),
    fetch: given.fetch ?? (await hubEnvironment.fetch()),
    retryDelay: 1000,
    stallTimeout: 60_000,
    ...others,
    endpoint,
    ...(token && { token }),
  };
}
