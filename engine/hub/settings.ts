import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { getHFHubCachePath } from '@huggingface/hub';
import { InputError } from '../errors.ts';
import { environmentFetch } from './proxy.ts';

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

/** The folder of the cache that all Hugging Face tools share (HF_HUB_CACHE, HF_HOME). */
export function hubCache(): string {
  return path.resolve(getHFHubCachePath());
}

/**
 * Settings from the environment variables of Hugging Face's own tools: HF_ENDPOINT, HF_HUB_CACHE and HF_HOME,
 * HF_HUB_OFFLINE, HF_TOKEN or the token that `hf auth login` has stored. `given` overrides them (an empty
 * token: none).
 * @throws InputError if HF_ENDPOINT is not a web address.
 */
export async function hubSettings(given: Partial<HubSettings> = {}): Promise<HubSettings> {
  const { HF_ENDPOINT, HF_HUB_OFFLINE } = process.env;
  const endpoint = (given.endpoint ?? (HF_ENDPOINT?.trim() || ENDPOINT)).replace(/\/+$/, '');
  if (!/^https?:/i.test(endpoint) || !URL.canParse(endpoint))
    throw new InputError(`HF_ENDPOINT must be an address like ${ENDPOINT}, not ${endpoint}.`);
  const { token: givenToken, ...others } = given;
  const token = givenToken ?? (await storedToken());
  return {
    cache: hubCache(),
    offline: /^(1|true|yes|on)$/i.test(HF_HUB_OFFLINE ?? ''),
    fetch: given.fetch ?? (await environmentFetch()),
    retryDelay: 1000,
    stallTimeout: 60_000,
    ...others,
    endpoint,
    ...(token && { token }),
  };
}

/** HF_TOKEN, or what `hf auth login` keeps in a file. */
async function storedToken(): Promise<string | undefined> {
  const { HF_TOKEN, HF_TOKEN_PATH, HF_HOME, XDG_CACHE_HOME } = process.env;
  if (HF_TOKEN?.trim()) return HF_TOKEN.trim();
  const home = HF_HOME ?? path.join(XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'huggingface');
  const text = await readFile(HF_TOKEN_PATH ?? path.join(home, 'token'), 'utf8').catch(() => '');
  return text.trim() || undefined;
}
