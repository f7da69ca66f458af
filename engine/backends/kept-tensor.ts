import type { DeviceTensor, Tensor } from '../graph/tensor.ts';

/** A tensor of ONNX Runtime, of either of its packages. */
interface RuntimeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly size: number;
  readonly location: string;
  dispose(): void;
}

/**
 * The tensors that a session left on its device. They are freed before the session: ONNX Runtime ends the process when
 * one is freed after it.
 */
export class LeftTensors {
  readonly #tensors = new Set<RuntimeTensor>();
  /** Frees those that nothing refers to any more; their owners release them earlier if they can. */
  readonly #forgotten = new FinalizationRegistry<RuntimeTensor>((tensor) => this.free(tensor));

  /** @param owner what refers to the tensor */
  add(tensor: RuntimeTensor, owner: object): void {
    this.#tensors.add(tensor);
    this.#forgotten.register(owner, tensor);
  }

  has(tensor: RuntimeTensor): boolean {
    return this.#tensors.has(tensor);
  }

  /** Does nothing if it was freed. */
  free(tensor: RuntimeTensor): void {
    if (this.#tensors.delete(tensor)) tensor.dispose();
  }

  freeAll(): void {
    for (const tensor of this.#tensors) this.free(tensor);
  }
}

/** Bytes of an element. */
const BYTES: Readonly<Record<DeviceTensor['type'], number>> = {
  float32: 4,
  float16: 2,
  int8: 1,
  uint8: 1,
  int32: 4,
  int64: 8,
};

/** A result where it was computed. If that is the processor's own memory, nothing is copied. */
export class KeptTensor<Held extends RuntimeTensor> implements DeviceTensor {
  readonly type: DeviceTensor['type'];
  readonly dims: readonly number[];
  readonly byteLength: number;
  readonly onDevice: boolean;
  readonly #left: LeftTensors;
  readonly #read: (tensor: Held) => Promise<Tensor>;
  #tensor: Held | undefined;

  /**
   * @param left those of the session that computed it
   * @param read brings a tensor back from the device
   */
  constructor(tensor: Held, left: LeftTensors, read: (tensor: Held) => Promise<Tensor>) {
    this.type = tensor.type as DeviceTensor['type'];
    this.dims = tensor.dims;
    this.byteLength = tensor.size * BYTES[this.type];
    this.#left = left;
    this.#read = read;
    this.#tensor = tensor;
    this.onDevice = tensor.location !== 'cpu';
    if (this.onDevice) left.add(tensor, this);
  }

  get released(): boolean {
    return !this.#tensor || (this.onDevice && !this.#left.has(this.#tensor));
  }

  /** @throws Error after its release */
  value(): Held {
    if (!this.#tensor || this.released) throw new Error('a tensor was read after it was released');
    return this.#tensor;
  }

  async read(): Promise<Tensor> {
    return this.#read(this.value());
  }

  release(): void {
    if (this.#tensor) this.#left.free(this.#tensor);
    this.#tensor = undefined;
  }
}
