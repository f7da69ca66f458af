/** An input or output of a network run, row-major. */
export type Tensor =
  | { readonly type: 'float32'; readonly dims: readonly number[]; readonly data: Float32Array }
  | { readonly type: 'int8'; readonly dims: readonly number[]; readonly data: Int8Array }
  | { readonly type: 'int32'; readonly dims: readonly number[]; readonly data: Int32Array }
  | { readonly type: 'int64'; readonly dims: readonly number[]; readonly data: BigInt64Array }
  /** Half precision and unsigned bytes are types of rows that stay on a device. */
  | { readonly type: 'float16'; readonly dims: readonly number[]; readonly data: Uint16Array }
  | { readonly type: 'uint8'; readonly dims: readonly number[]; readonly data: Uint8Array };

export function float32(data: Float32Array, dims: readonly number[]): Tensor & { type: 'float32' } {
  return { type: 'float32', data, dims };
}

export function int64(data: BigInt64Array, dims: readonly number[]): Tensor {
  return { type: 'int64', data, dims };
}

/** The float32 data of a named output. */
export function floats(outputs: Readonly<Record<string, Tensor>>, name: string): Float32Array {
  const tensor = outputs[name];
  if (tensor?.type !== 'float32') throw new Error(`the network gave no float32 output ${name}`);
  return tensor.data;
}

/** A tensor that stays on the device which computed it. Reading it back is explicit. */
export interface DeviceTensor {
  readonly type: Tensor['type'];
  readonly dims: readonly number[];
  /** Bytes that it takes where it is. */
  readonly byteLength: number;
  /** False if its values are in main memory after all: not every interface to a GPU leaves results there. */
  readonly onDevice: boolean;
  /** A copy for the processor; where the device is the processor, the values themselves. */
  read(): Promise<Tensor>;
  /** Frees the device's memory. Reading it afterwards fails. */
  release(): void;
  /** Whether its memory was freed, by `release` or with the program that computed it. */
  readonly released: boolean;
}

/** Whether a tensor's values are in main memory. */
export function isHeld(tensor: Tensor | DeviceTensor): tensor is Tensor {
  return 'data' in tensor;
}
