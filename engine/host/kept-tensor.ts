import type { DeviceTensor, Tensor } from '../graph/tensor.ts';

/** A tensor of ONNX Runtime, of either of its packages. */
interface RuntimeTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly size: number;
  readonly location: string;
  dispose(): void;
}

/** Frees tensors of a GPU that nothing refers to any more; their owners release them earlier if they can. */
const forgotten = new FinalizationRegistry<RuntimeTensor>((tensor) => tensor.dispose());

/** Bytes of an element. */
const BYTES: Readonly<Record<Tensor['type'], number>> = { float32: 4, int8: 1, int32: 4, int64: 8 };

/** A result where it was computed. If that is the processor's own memory, nothing is copied. */
export class KeptTensor<Held extends RuntimeTensor> implements DeviceTensor {
  readonly type: Tensor['type'];
  readonly dims: readonly number[];
  readonly byteLength: number;
  readonly #read: (tensor: Held) => Promise<Tensor>;
  #tensor: Held | undefined;

  /** @param read brings a tensor back from the device */
  constructor(tensor: Held, read: (tensor: Held) => Promise<Tensor>) {
    this.type = tensor.type as Tensor['type'];
    this.dims = tensor.dims;
    this.byteLength = tensor.size * BYTES[this.type];
    this.#read = read;
    this.#tensor = tensor;
    if (tensor.location !== 'cpu') forgotten.register(this, tensor, this);
  }

  /** @throws Error after its release */
  value(): Held {
    if (!this.#tensor) throw new Error('a tensor was read after it was released');
    return this.#tensor;
  }

  async read(): Promise<Tensor> {
    return this.#read(this.value());
  }

  release(): void {
    if (this.#tensor && this.#tensor.location !== 'cpu') {
      forgotten.unregister(this);
      this.#tensor.dispose();
    }
    this.#tensor = undefined;
  }
}
