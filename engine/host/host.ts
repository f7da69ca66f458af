/**
 * What the engine's core needs from the machine it runs on. The core imports these values from `#host`, which
 * package.json maps to `node/index.ts`, or in a bundle for browsers to `web/index.ts`.
 */

/** A file or folder; links are followed. */
export interface FileStat {
  /** Bytes. */
  readonly size: number;
  /** Time of the last change, in milliseconds since 1970. */
  readonly mtimeMs: number;
  /** Time of the last change of content, name or permissions; programs cannot set it back. */
  readonly ctimeMs: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** An open file that is read from any position. */
export interface FileReader {
  /** Bytes. */
  readonly size: number;
  /** Reads up to `into.length` bytes from `position`; returns how many, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
}

/** A file that is being written from its start. */
export interface FileWriter {
  /** Appends bytes, or text as UTF-8. */
  write(data: Uint8Array | string): Promise<void>;
}

/** Files by absolute path. Errors carry a POSIX `code` (ENOENT, EACCES, …). */
export interface FileSystem {
  stat(path: string): Promise<FileStat>;
  /** Whether there is a file or folder at a path. */
  exists(path: string): Promise<boolean>;
  /** Names of what is in a folder. */
  readdir(folder: string): Promise<string[]>;
  /** Paths of the files below a folder, from there on and with slashes; a link counts as a file. */
  walk(folder: string): Promise<string[]>;
  /** Makes a folder and the folders above it. */
  mkdir(folder: string): Promise<void>;
  /** Removes a file, or a folder with everything in it. No error if there is none. */
  remove(path: string): Promise<void>;
  /** The path with links resolved. */
  realpath(path: string): Promise<string>;
  /**
   * Opens a regular file for reading while `use` runs, links followed. Anything else (a folder, a pipe, a device) could
   * block or have no end: EISDIR, ENOTREG.
   */
  open<Result>(file: string, use: (reader: FileReader) => Promise<Result>): Promise<Result>;
  /** A regular file's bytes from its start, a few megabytes at a time. */
  chunks(file: string): AsyncIterable<Uint8Array>;
  /**
   * Writes a file in one piece: it replaces an older one, whose permissions it takes over, only once `write` is done
   * and the data is on the disk. On an error nothing is left of it.
   * @throws InputError if the system refuses; other errors of `write` are passed on.
   */
  writeAtomically(file: string, write: (writer: FileWriter) => Promise<void>): Promise<void>;
  /** @throws InputError if the file can clearly not be written: no such folder, a folder itself, no permission. */
  checkWritable(file: string): Promise<void>;
  /** Keeps the first `from` bytes of a file, made if it is missing, and appends what `use` writes. */
  append(file: string, from: number, use: (writer: FileWriter) => Promise<void>): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Copies a file; links are followed. */
  copy(from: string, to: string): Promise<void>;
  /** Makes `path` refer to a file: by a link, or by moving the file there if the host has no links. */
  link(path: string, file: string): Promise<void>;
  /** The file that a link leads to; the path itself where it is no link. */
  linkTarget(path: string): Promise<string>;
  /** Room on the disk of a folder. */
  freeBytes(folder: string): Promise<number>;
  /** Sets the time of the last change to now. */
  touch(file: string): Promise<void>;
  /** Runs `use` with an empty folder that is removed afterwards. */
  withTemporaryFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result>;
}

/** Paths as the host writes them. */
export interface Paths {
  join(...parts: string[]): string;
  resolve(...parts: string[]): string;
  dirname(path: string): string;
  basename(path: string, ending?: string): string;
  extname(path: string): string;
  relative(from: string, to: string): string;
  isAbsolute(path: string): boolean;
  readonly sep: string;
}

/** Rows of interleaved channels, not multiplied by alpha: grey, grey and alpha, RGB, RGBA. */
export interface Pixels<Data = Uint8Array> {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Data;
}

/** What an image file says about itself. */
export interface PictureHeader {
  width: number;
  height: number;
  /** png, jpeg, webp, … */
  format: string;
  /** Frames of an animation. */
  pages: number;
  /** EXIF's, 1 … 8 (CIPA DC-008, 4.6.4). */
  orientation: number;
  /** In the words of libvips: srgb, rgb16, b-w, cmyk, … */
  space: string;
  /** Bits a channel: 8, 16, or others that are stored in more. */
  depth: 8 | 16 | 'other';
  /** Whether pixels are indexes into a table of colours. */
  palette: boolean;
  exif?: Uint8Array;
  icc?: Uint8Array;
  xmp?: Uint8Array;
}

export interface StoredOptions {
  /** Bits a channel. */
  depth: 8 | 16;
  /** Keeps the values of the file's own RGB space; otherwise its profile brings them to sRGB. */
  ignoreProfile: boolean;
}

/** Bounds on what is decoded. */
export interface DecodeLimits {
  /** Pictures of more are refused. */
  readonly pixels: number;
  /** Time after which a decoder gives up if it can, and frees its thread. */
  readonly seconds: number;
}

export type EncodeOptions =
  | { format: 'png' /** zlib's, 0 … 9; 6 if absent. */; compression?: number }
  | { format: 'jpeg' | 'webp' /** 1 … 100 */; quality: number }
  /** Keeps the colours of transparent pixels, too. */
  | { format: 'webp'; lossless: true };

/**
 * Image codecs. Only PNG, JPEG, WebP, GIF, TIFF and AVIF files are decoded. They reject
 * with errors of their own for files that they cannot read.
 */
export interface Codecs {
  header(file: Uint8Array): Promise<PictureHeader>;
  /** The first frame, upright, in sRGB. */
  decode(file: Uint8Array, limits: DecodeLimits): Promise<Pixels>;
  /** The first frame as it is stored, EXIF's orientation not applied. 16 bits: sRGB's values times 257. */
  decodeStored(
    file: Uint8Array,
    limits: DecodeLimits,
    options: StoredOptions,
  ): Promise<Pixels<Uint8Array | Uint16Array>>;
  encode(
    pixels: Pixels<Uint8Array | Uint8ClampedArray | Uint16Array>,
    options: EncodeOptions,
  ): Promise<Uint8Array>;
  /** Resizes: bilinear, or with a triangle filter if the image becomes smaller. */
  resize(pixels: Pixels, size: { width: number; height: number }): Promise<Uint8Array>;
  /** sRGB pixels as an RGB colour profile writes them. */
  toProfile(pixels: Pixels, icc: Uint8Array): Promise<Uint8Array>;
}

/** The functions of zlib that PNG files need. */
export interface Compression {
  crc32(bytes: Uint8Array): number;
  deflate(bytes: Uint8Array): Uint8Array;
  /** @throws if the bytes are damaged, or longer than `most` when inflated. */
  inflate(bytes: Uint8Array, most: number): Uint8Array;
  /** Quickly, without zlib's header, and beside this thread. */
  deflateRaw(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** @throws if the bytes are damaged, or longer than `most` when inflated. */
  inflateRaw(bytes: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A hash that is being computed. */
export interface Hash {
  /** Adds bytes, or text as UTF-8. */
  update(data: Uint8Array | string): this;
  bytes(): Uint8Array;
  hex(): string;
}

export interface LockOptions {
  signal?: AbortSignal;
  /** Called while another holds the lock, several times a second. */
  onWait?: () => void;
}

/** Settings of the user for Hugging Face's tools. */
export interface HubEnvironment {
  /** The folder of the cache that all of them share. */
  cache(): string;
  /** The hub's address, if not the public one. */
  endpoint(): string | undefined;
  /** The network must not be used. */
  offline(): boolean;
  /** Access token. */
  token(): Promise<string | undefined>;
  /** Says how much more can be kept, as a part of a sentence. */
  room(bytes: number): string;
  /** The sentence for a download of this size that does not fit. */
  tooLarge(download: { cache: string; free: number; needed: number }): string;
  /** What to check if the hub cannot be reached, as the beginning of a sentence. */
  reachable: string;
  /** `fetch` by the proxy that is set. */
  fetch(): Promise<typeof globalThis.fetch>;
}

export declare const fs: FileSystem;
export declare const hubEnvironment: HubEnvironment;
/**
 * Runs `action` while no other process holds the lock of this name. Two processes that take over from a dead one may
 * both get it: the lock avoids double work, it does not guard correctness.
 */
export declare function withLock<Result>(
  file: string,
  action: () => Promise<Result>,
  options?: LockOptions,
): Promise<Result>;
export declare const path: Paths;
/** The user's cache folder for Patchwork. */
export declare function cacheFolder(): string;
/**
 * Folders of this process, elsewhere than the cache, for files without which it cannot compute; removed when it ends.
 * Callers use the first one that accepts a file.
 */
export declare function spareFolders(): Promise<readonly string[]>;
/** The folder of the models that come with Patchwork. */
export declare function modelsFolder(): string;
/** The machine's memory. */
export declare function memoryBytes(): number;
export declare const codecs: Codecs;
export declare const compression: Compression;
export declare function sha256(): Hash;
export declare function sha1(): Hash;
/** Resolves once what is waiting in the process's event loop, such as a message that cancels, has been handled. */
export declare function nextTask(): Promise<void>;
