import { fs } from '#host';
import { eitherSignal } from '../../shared/signals.ts';
import { InputError } from '../errors.ts';
import { writeError } from '../files.ts';
import type { RepositoryCache } from './cache.ts';
import { chunksOf } from './chunks.ts';
import { connection, Watchdog } from './connection.ts';
import { HubError } from './errors.ts';
import type { Repository, RepositoryFile } from './repository.ts';
import type { HubSettings } from './settings.ts';

/** A file of a repository on its way into the cache. */
export interface Delivery {
  settings: HubSettings;
  cache: RepositoryCache;
  repository: Pick<Repository, 'id' | 'commit'>;
  file: RepositoryFile;
}

/**
 * Downloads a file from byte `from` and appends it to `partial`, which has that length. If the server does not support
 * ranges, the download starts over. If the connection breaks, what has arrived stays in the file.
 */
export async function append(
  { settings, repository, file }: Delivery,
  partial: string,
  from: number,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const watchdog = new Watchdog(settings.stallTimeout);
  const either = eitherSignal(signal, watchdog.signal);
  // The hub package's own download neither resumes nor says why a request failed.
  const fetch = connection(settings, either);
  const name = file.path.split('/').map(encodeURIComponent).join('/');
  const url = `${settings.endpoint}/${repository.id}/resolve/${repository.commit}/${name}`;
  const headers = {
    'accept-encoding': 'identity',
    ...(settings.token && { authorization: `Bearer ${settings.token}` }),
    ...(from > 0 && { range: `bytes=${from}-` }),
  };
  // Browsers would keep it a second time, and answer with what they kept of a download that broke.
  const request = { headers, cache: 'no-store' as const };
  try {
    const response = await fetch(url, request);
    const at = response.status === 206 && startOf(response, file.size) === from ? from : 0;
    const end = await write(response, partial, at, file.size, (bytes) => {
      watchdog.alive();
      onBytes(bytes);
    });
    if (end < file.size)
      throw new TypeError('fetch failed', { cause: new Error(`it ended at byte ${end} of ${file.size}`) });
  } catch (error) {
    // The partial file is not the beginning of that file.
    if (error instanceof HubError && error.status === 416) await fs.remove(partial);
    throw watchdog.signal.aborted && !signal?.aborted ? watchdog.signal.reason : error;
  } finally {
    watchdog.stop();
  }
}

/** Writes a response to a file from byte `at`. Returns the file's size. @throws InputError beyond `most` bytes. */
async function write(
  response: Response,
  file: string,
  at: number,
  most: number,
  onBytes: (bytes: number) => void,
): Promise<number> {
  let end = at;
  await fs.append(file, at, async (writer) => {
    for await (const chunk of chunksOf(response)) {
      if (end + chunk.length > most)
        throw new InputError(
          `${new URL(response.url).host} sent more than the hub says (${most} bytes); it was thrown away.`,
        );
      await writer.write(chunk).catch((error) => {
        throw writeError(file, error);
      });
      end += chunk.length;
      onBytes(end);
    }
  });
  return end;
}

/** Position of the first byte of a partial response. Browsers do not always show its range; its length they do. */
function startOf({ headers }: Response, size: number): number {
  const range = headers.get('content-range');
  if (range === null) return size - Number(headers.get('content-length') ?? Number.NaN);
  return Number(/^bytes (\d+)-/.exec(range)?.[1] ?? Number.NaN);
}
