/** Element types of the safetensors format that Patchwork reads. */
export type Dtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** A file of weights as it was when its header was read. */
export interface FileVersion {
  /** Absolute path. */
  readonly file: string;
  readonly size: number;
  /** Time of the last change, in milliseconds since 1970; absent for sealed files, whose users set it. */
  readonly mtimeMs?: number;
}

/** Location of a tensor: `length` bytes at `offset` of `file`, row-major, little-endian. */
export interface StoredTensor {
  readonly name: string;
  /** A `Dtype`, or an unsupported type, which is an error only when the tensor is read. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Absolute path. */
  readonly file: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly length: number;
  /**
   * The order of its axes in the file, the outermost first; absent: as in `shape`. [1, 0] is a matrix stored the other way
   * round.
   */
  readonly axes?: readonly number[];
  /** A matrix [N, K] of a GGUF file that is also kept in blocks of ours: see `BlockValues`. */
  readonly blocks?: {
    readonly bits: 8 | 4;
    readonly values: StoredTensor;
    readonly scale: StoredTensor;
    /** [N, blocks]: added to every value of a block. */
    readonly minimum?: StoredTensor;
  };
  /** For bytes: what each row is multiplied by, [rows, 1, …]; see `withScales`. */
  readonly scale?: StoredTensor;
  /** Its file as it was when the tensor was found there. */
  readonly version?: FileVersion;
}

/** The named tensors of one network, from one safetensors file or several. Only headers are read. */
export interface WeightSource {
  /** The file or folder to name in errors. */
  readonly origin: string;
  names(): Iterable<string>;
  find(name: string): StoredTensor | undefined;
}

/** The weights of a network that has none. */
export const NO_WEIGHTS: WeightSource = { origin: 'nothing', names: () => [], find: () => undefined };

/** One file of tensors, of any format that is read here. Only what describes them has been read. */
export interface TensorFile extends WeightSource {
  /** Absolute path, links resolved. */
  readonly file: string;
  /** Texts that the file has beside its tensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The last tensor of a file that was written to a cache: the SHA-256 of everything before it. */
export const SEAL = '__sha256__';

/** Options for weights that take a while to compute. */
export interface WeightsOptions {
  /** Progress in tensors; not called if nothing has to be computed. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
  /** Which weights may stay in blocks: those that are only multiplied with rows. None if absent. */
  blocks?: (name: string) => boolean;
}
