/** Element types of the safetensors format that are read here. */
export type Dtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** A file of weights as it was when its header was read. */
export interface FileVersion {
  /** Absolute path. */
  readonly file: string;
  readonly size: number;
  /** Time of the last change, in milliseconds since 1970; absent for sealed files, whose users set it. */
  readonly mtimeMs?: number;
}

/** Where a tensor's bytes lie: `length` bytes from `offset` of `file`, row-major, little-endian. */
export interface StoredTensor {
  readonly name: string;
  /** A `Dtype`, or another that nothing here can read: a file may hold what nobody needs. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Absolute path. */
  readonly file: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly length: number;
  /** The bytes are those of the transposed matrix: [shape[1], shape[0]]. */
  readonly transposed?: boolean;
  /** Its file as it was when the tensor was found there. */
  readonly version?: FileVersion;
}

/** The named tensors of one network: one safetensors file, or several with an index. Nothing is read but headers. */
export interface WeightSource {
  /** The file or folder to name in errors. */
  readonly origin: string;
  names(): Iterable<string>;
  find(name: string): StoredTensor | undefined;
}

/** One file of tensors, of any format that is read here. Only what describes them has been read. */
export interface TensorFile extends WeightSource {
  /** Absolute path, links resolved. */
  readonly file: string;
  /** Texts that the file has beside its tensors. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The last tensor of a file that was written to a cache: the SHA-256 of everything before it. */
export const SEAL = '__sha256__';

/** For weights that take a while to be had. */
export interface WeightsOptions {
  /** Of what is computed first, counted in tensors; not called where nothing is. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}
