/** What is at a place of a store. */
export type Found = { folder: true; mtimeMs: number } | { folder: false; size: number; mtimeMs: number };

/** A file that is being written. */
export interface OpenFile {
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Closes the file and keeps its bytes. */
  close(): Promise<void>;
}

/** How a store is changed. */
export interface Changes {
  /** Makes a folder and the folders above it. */
  mkdir(folder: string): Promise<void>;
  /** A file, or a folder with everything in it. No error if there is none. */
  remove(place: string): Promise<void>;
  /** Opens a file whose folder exists, keeps its first `keep` bytes and writes behind them. */
  write(place: string, keep: number): Promise<OpenFile>;
  /** Replaces an existing file. */
  rename(from: string, to: string): Promise<void>;
  freeBytes(): Promise<number>;
}

/** A file's bytes: in memory, or a Blob's, for which another process is asked. */
export type Contents = Blob | Uint8Array<ArrayBuffer>;

/** Where files of a browser are: its private file system, memory, a server. Places are relative, with slashes. */
export interface Store {
  find(place: string): Promise<Found | undefined>;
  /** Names of what is in a folder. */
  list(folder: string): Promise<string[]>;
  /** A file's bytes; those of a Blob are read when they are needed. */
  open(place: string): Promise<Contents>;
  /** Whether a place is a link or is reached through one. Absent if there are no links. */
  linked?(place: string): Promise<boolean>;
  /** Absent if nothing can be written. */
  readonly changes?: Changes;
}

/** An error with a POSIX code, as `FileSystem` promises. */
export function fileError(code: string, what: string, cause?: unknown): Error {
  return Object.assign(new Error(`${code}: ${what}`, { cause }), { code });
}

/** A file that is collected in memory. @param kept its beginning @param done stores the whole */
export function collected(kept: Blob | undefined, done: (whole: Blob) => Promise<void>): OpenFile {
  const parts: BlobPart[] = kept ? [kept] : [];
  return {
    async append(bytes) {
      parts.push(bytes.slice());
    },
    close: () => done(new Blob(parts)),
  };
}
