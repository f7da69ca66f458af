import { hubEnvironment } from '#host';
import { withoutSecrets } from '../../shared/address.ts';
import { InputError } from '../errors.ts';

/** How to reach the hub, and where to store downloads. */
export interface HubSettings {
  /** Address without a trailing slash. */
  endpoint: string;
  /** The cache that all Hugging Face tools share. */
  cache: string;
  /** Make no network requests. */
  offline: boolean;
  /** Access token, for gated models; never empty. */
  token?: string;
  fetch: typeof globalThis.fetch;
  /** Milliseconds before the first retry of a failed request; doubled for each further one. */
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
    throw new InputError(`HF_ENDPOINT must be an address like ${ENDPOINT}, not ${withoutSecrets(endpoint)}.`);
  const { username, password } = new URL(endpoint);
  if (username || password)
    throw new InputError(
      'HF_ENDPOINT must hold no user and no password; a token for the hub goes into HF_TOKEN.',
    );
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
