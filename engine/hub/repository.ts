import { listFiles, modelInfo } from '@huggingface/hub';
import * as z from 'zod';
import { isFilePath } from '../../shared/fileNames.ts';
import { InputError } from '../errors.ts';
import { connection, repeatedly } from './connection.ts';
import { hubSentence } from './errors.ts';
import { isRepositoryId } from './repository-id.ts';
import type { HubSettings } from './settings.ts';

/** Bounds on untrusted listings, far above any published model. */
const MAX_FILES = 20_000;
const MAX_FILE_BYTES = 2 ** 42;

/** Expected hash of a file: SHA-256 for large files, the git blob id for small ones. */
export interface Digest {
  kind: 'sha256' | 'git';
  hex: string;
}

export interface RepositoryFile {
  /** Path in the repository, with slashes. */
  path: string;
  size: number;
  digest: Digest;
}

/** A model on the hub at one commit. */
export interface Repository {
  id: string;
  commit: string;
  /** From its model card, e.g. `creativeml-openrail-m`. */
  licence: string | undefined;
  files: RepositoryFile[];
}

const commitHash = z.string().regex(/^[0-9a-f]{40}$/);
const infoSchema = z.object({
  sha: commitHash,
  tags: z.array(z.string().max(500)).max(2000).optional(),
});
const size = z.number().int().min(0).max(MAX_FILE_BYTES);
const fileSchema = z.object({
  path: z.string().min(1).max(500),
  size,
  oid: commitHash.optional(),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size }).optional(),
});

/**
 * Asks the hub for a model's commit, licence and files. @param revision a branch, a tag or a commit.
 * @throws InputError in one sentence for every failure.
 */
export async function askRepository(
  settings: HubSettings,
  id: string,
  revision: string,
  signal?: AbortSignal,
): Promise<Repository> {
  if (!isRepositoryId(id)) throw new InputError(`${id} is not a model's name at the hub: owner/name.`);
  if (settings.offline)
    throw new InputError(`${id} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it.`);
  const common = {
    hubUrl: settings.endpoint,
    fetch: connection(settings, signal),
    ...(settings.token && { accessToken: settings.token }),
  };
  try {
    return await repeatedly(settings, signal, async () => {
      const additionalFields = ['sha', 'tags'] as const;
      const info = await modelInfo({
        ...common,
        name: id,
        revision,
        additionalFields: [...additionalFields],
      });
      const { sha, tags } = check(infoSchema, info, id);
      const files: RepositoryFile[] = [];
      for await (const entry of listFiles({ ...common, repo: id, revision: sha, recursive: true })) {
        if (entry.type !== 'file') continue;
        if (files.length === MAX_FILES) throw new InputError(`${id} has more than ${MAX_FILES} files.`);
        // A name that is none on some system is of no use, and must not keep the others from being used.
        if (isFilePath(entry.path)) files.push(fileOf(entry, id));
      }
      const licence = tags?.find((tag) => tag.startsWith('license:'))?.slice('license:'.length);
      return { id, commit: sha, licence, files };
    });
  } catch (error) {
    throw hubSentence(error, id, settings);
  }
}

function fileOf(entry: unknown, id: string): RepositoryFile {
  const { path, size, oid, lfs } = check(fileSchema, entry, id);
  if (lfs) return { path, size: lfs.size, digest: { kind: 'sha256', hex: lfs.oid } };
  if (oid) return { path, size, digest: { kind: 'git', hex: oid } };
  throw new InputError(`The hub tells no hash of ${id}/${path}, so it cannot be checked.`);
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown, id: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new InputError(`The hub's answer about ${id} is not valid (${path.join('.')}: ${message}).`);
}
