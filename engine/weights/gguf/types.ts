/** Element types of GGUF (ggml's `ggml_type`) that are read here: how many values a block has, and how many bytes. */
interface GgufType {
  /** As `StoredTensor.dtype` names it. */
  name: string;
  values: number;
  bytes: number;
}

const plain = (name: string, bytes: number): GgufType => ({ name, values: 1, bytes });
const blocks = (name: string, values: number, bytes: number): GgufType => ({ name, values, bytes });

export const GGUF_TYPES: ReadonlyMap<number, GgufType> = new Map([
  [0, plain('F32', 4)],
  [1, plain('F16', 2)],
  [2, blocks('Q4_0', 32, 18)],
  [3, blocks('Q4_1', 32, 20)],
  [6, blocks('Q5_0', 32, 22)],
  [7, blocks('Q5_1', 32, 24)],
  [8, blocks('Q8_0', 32, 34)],
  [12, blocks('Q4_K', 256, 144)],
  [13, blocks('Q5_K', 256, 176)],
  [14, blocks('Q6_K', 256, 210)],
  [24, plain('I8', 1)],
  [25, plain('I16', 2)],
  [26, plain('I32', 4)],
  [27, plain('I64', 8)],
  [28, plain('F64', 8)],
  [30, plain('BF16', 2)],
]);

/** The type that a tensor's `dtype` names. */
export function typeOf({ dtype }: { dtype: string }): GgufType {
  return [...GGUF_TYPES.values()].find(({ name }) => name === dtype)!;
}

/** Names of other types, for errors. */
export const OTHER_TYPES: ReadonlyMap<number, string> = new Map([
  [9, 'Q8_1'],
  [10, 'Q2_K'],
  [11, 'Q3_K'],
  [15, 'Q8_K'],
  [16, 'IQ2_XXS'],
  [17, 'IQ2_XS'],
  [18, 'IQ3_XXS'],
  [19, 'IQ1_S'],
  [20, 'IQ4_NL'],
  [21, 'IQ3_S'],
  [22, 'IQ2_S'],
  [23, 'IQ4_XS'],
]);
