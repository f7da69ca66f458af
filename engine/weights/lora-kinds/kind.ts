/** The values of a module's tensors, by the names of their parts, and the shapes that they have in the file. */
export interface ModuleValues {
  get(part: string): Float32Array;
  shape(part: string): readonly number[];
  has(part: string): boolean;
}

/** The same without values. */
export type ModuleShapes = Pick<ModuleValues, 'shape' | 'has'>;

/**
 * A weight [out, in, …]: of a convolution with its kernel, of a linear map as a matrix, of a bias or a norm as a list.
 */
export interface ChangedWeight {
  values: Float32Array;
  shape: readonly number[];
}

/** One of the ways in which files describe a change of a weight. */
export interface LoraKind {
  /** Name for people. */
  readonly name: string;
  /** Required parts, and optional ones. */
  readonly parts: readonly string[];
  readonly optional?: readonly string[];
  /** Whether it changes a module's weight or its bias. */
  readonly changes: 'weight' | 'bias';
  /**
   * Whether the parts fit each other and a weight of this shape, whose trailing ones do not count.
   * No value has been read yet.
   */
  fits(parts: ModuleShapes, weight: readonly number[]): boolean;
  /** What alpha is divided by; undefined if alpha does not count. */
  rank(parts: ModuleShapes): number | undefined;
  /** target += scale · Δ, where Δ may depend on the weight. `target` has the weight's size. */
  add(target: Float32Array, parts: ModuleValues, weight: ChangedWeight, scale: number): Promise<void>;
}

/** Largest rank. Full matrices take the place of larger ones in every tool. */
export const MAX_RANK = 8192;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The same but for trailing ones. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const trimmed = (dims: readonly number[]) => dims.slice(0, dims.findLastIndex((n) => n !== 1) + 1);
  return String(trimmed(a)) === String(trimmed(b));
}

/** A matrix's rows and columns, all dimensions behind the first one together. */
export function matrix(shape: readonly number[]): readonly [rows: number, columns: number] {
  return [shape[0] ?? 1, sizeOf(shape.slice(1))];
}
