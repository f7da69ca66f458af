import { hubEnvironment } from '#host';
import { messageOf } from '../../shared/errorMessage.ts';
import { InputError, isAbort } from '../errors.ts';
import { codeOf, isDiskError, writeError } from '../files.ts';
import type { HubSettings } from './settings.ts';

/** An error response of the hub. */
export class HubError extends Error {
  override name = 'HubError';
  readonly status: number;
  /** Seconds to wait before the next request, as the hub says. */
  readonly retryAfter: number | undefined;
  /** The hub's error code, e.g. `GatedRepo`. */
  readonly code: string | undefined;

  constructor(response: Response) {
    super(`${new URL(response.url).origin} answers with status ${response.status}`);
    this.status = response.status;
    this.code = response.headers.get('x-error-code') ?? undefined;
    this.retryAfter = waitIn(response.headers);
  }
}

/**
 * Seconds, from the first header that says how long: `Retry-After`, for the hub's own limits `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers), then the names of its earlier drafts and of proxies.
 */
export function waitIn(headers: Headers): number | undefined {
  for (const name of ['retry-after', 'ratelimit', 'ratelimit-reset', 'x-ratelimit-reset']) {
    const text = headers.get(name) ?? '';
    const seconds = name === 'ratelimit' ? longestReset(text) : secondsUntil(text);
    if (seconds !== undefined) return seconds;
  }
  return undefined;
}

/** Seconds until the last of the limits that are used up is reset. */
function longestReset(limits: string): number | undefined {
  const usedUp = limits.split(/,(?=\s*")/).filter((limit) => !/(?:;\s*r|\bremaining)=[1-9]/.test(limit));
  const resets = usedUp.flatMap((limit) => /(?:;\s*t|\breset)=(\d{1,6})\b/.exec(limit)?.[1] ?? []);
  return resets.length > 0 ? Math.max(...resets.map(Number)) : undefined;
}

/** From seconds, the time in seconds since 1970, or a date. */
function secondsUntil(text: string): number | undefined {
  const now = Date.now() / 1000;
  const isNumber = /^\d+(\.\d+)?$/.test(text);
  const time = isNumber ? Number(text) : /[a-z]/i.test(text) ? Date.parse(text) / 1000 : Number.NaN;
  const isDelay = isNumber && time < 1e9;
  return Number.isFinite(time) ? Math.max(0, isDelay ? time : time - now) : undefined;
}

/** True for failures that are probably temporary. */
export function isTransient(error: unknown): boolean {
  if (error instanceof HubError) return [408, 425, 429].includes(error.status) || error.status >= 500;
  return !(error instanceof InputError) && !isAbort(error) && isNetworkFailure(error);
}

/**
 * Turns a failed request into sentences that say what to do: an `InputError` if the request must change, another error
 * if the same request may succeed later.
 * @param resumes whether a part was downloaded, and is kept
 */
export function hubSentence(
  error: unknown,
  what: string,
  { endpoint, token, cache }: HubSettings,
  resumes = false,
): Error {
  if (error instanceof InputError) return error;
  if (error instanceof HubError) {
    const sentence = sentenceOf(error, what, endpoint, token !== undefined);
    return isTransient(error) ? new Error(sentence, { cause: error }) : new InputError(sentence);
  }
  if (isDiskError(error)) return writeError(error.path ?? cache, error);
  if (error instanceof Error && isNetworkFailure(error)) {
    const again = resumes ? 'The download continues where it stopped.' : `${what} was not downloaded.`;
    return new Error(
      `Can't reach ${new URL(endpoint).host} (${reasonOf(error)}). ${hubEnvironment.reachable} and try again. ${again}`,
      { cause: error },
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}

function sentenceOf(error: HubError, what: string, endpoint: string, hasToken: boolean): string {
  const id = what.split(':')[0];
  const token = 'set a token of an account that may (HF_TOKEN, or Patchwork: Manage Models… in VS Code)';
  const later = error.retryAfter ? `in ${Math.ceil(error.retryAfter)} seconds` : 'later';
  switch (error.status) {
    case 401:
      return hasToken
        ? `${endpoint} does not accept the access token, or there is no ${what}; check its name and HF_TOKEN.`
        : `${what} does not exist at ${endpoint}, or it is not public; check its name, or ${token}.`;
    case 403:
      return error.code === 'GatedRepo'
        ? `${what} asks for its terms to be accepted: do so at ${endpoint}/${id}, then ${token}.`
        : `${endpoint} does not give ${what} to you; ${token}.`;
    case 404:
      if (error.code === 'RevisionNotFound')
        return `There is no such revision of ${what} at ${endpoint}; ${id}@main is the newest.`;
      return `There is no ${what} at ${endpoint}; check its name.`;
    case 429:
      return `${endpoint} has had too many requests; try again ${later}.`;
    default:
      return `${endpoint} answers with status ${error.status} for ${what}; try again ${later}.`;
  }
}

/** `fetch` throws a TypeError whose cause has the reason; closed sockets throw errors with codes. */
function isNetworkFailure(error: unknown): boolean {
  if (!(error instanceof Error) || isDiskError(error)) return false;
  return error instanceof TypeError || /^(E[A-Z]+|UND_ERR_\w+)$/.test(reasonOf(error));
}

function reasonOf(error: Error): string {
  const { cause } = error;
  return codeOf(cause) ?? codeOf(error) ?? messageOf(cause ?? error);
}
