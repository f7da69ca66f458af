import { fs, path, withLock } from '#host';
import { InputError } from '../errors.ts';
import { writeError } from '../files.ts';
import { append, type Delivery } from './append.ts';
import { repeatedly } from './connection.ts';
import { hashOf } from './digest.ts';
import { isRight } from './verify.ts';

interface BlobOptions {
  signal?: AbortSignal;
  /** Bytes of the file on this machine; decreases if they turn out to be wrong. */
  onBytes?: (bytes: number) => void;
}

/**
 * Downloads a file of a repository into the cache. An interrupted download is resumed, and the hash of the whole file is
 * checked before it gets its name. Processes that need the same file wait for each other.
 * @throws InputError if the content is wrong twice, or the disk does not take it.
 */
export async function fetchBlob(delivery: Delivery, options: BlobOptions = {}): Promise<void> {
  const { cache, file } = delivery;
  const { signal, onBytes } = options;
  const { hex } = file.digest;
  const blob = cache.blob(hex);
  const present = () => isRight(blob, file, signal);
  const arrive = async () => {
    if (!(await present())) await fs.rename(await checked(delivery, options), blob);
  };
  const onWait = () => void sizeOf(cache.partial(hex)).then(onBytes);
  await fs.mkdir(path.dirname(blob)).catch((error) => {
    throw writeError(blob, error);
  });
  if (!(await present())) await withLock(cache.lock(hex), arrive, { signal, onWait });
  onBytes?.(file.size);
}

/** Downloads the file until its hash is right. Returns the path of the partial file. */
async function checked(delivery: Delivery, options: BlobOptions): Promise<string> {
  const { cache, repository, file } = delivery;
  const partial = cache.partial(file.digest.hex);
  for (let tries = 1; ; tries++) {
    await complete(delivery, partial, options);
    if ((await hashOf(partial, file, options.signal)) === file.digest.hex) return partial;
    await fs.remove(partial);
    options.onBytes?.(0);
    if (tries === 2)
      throw new InputError(
        `What came for ${repository.id}/${file.path} has another hash than the hub tells, twice; it was thrown away. Try again later.`,
      );
  }
}

/** Downloads the rest of the partial file. Retries as long as each connection brings something. */
async function complete(
  delivery: Delivery,
  partial: string,
  { signal, onBytes }: BlobOptions,
): Promise<void> {
  const { settings, file } = delivery;
  let from = 0;
  let at = 0;
  const attempt = async () => {
    from = await sizeOf(partial);
    if (from > file.size) {
      await fs.remove(partial);
      from = 0;
    }
    const report = (bytes: number) => {
      at = bytes;
      onBytes?.(bytes);
    };
    report(from);
    // An empty file is created too.
    if (from < file.size || from === 0) await append(delivery, partial, from, report, signal);
  };
  await repeatedly(settings, signal, attempt, () => at > from);
}

async function sizeOf(file: string): Promise<number> {
  return await fs.stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}
