import * as ort from 'onnxruntime-web/wasm';
import type { Program } from '../../execution/backend.ts';
import { type DeviceTensor, isHeld, type Tensor } from '../../graph/tensor.ts';

type Named<T> = Readonly<Record<string, T>>;

/** A session of ONNX Runtime for browsers. Only one session of a page runs at a time. */
export class WebProgram implements Program {
  readonly #session: ort.InferenceSession;
  readonly #onRelease: () => void;

  constructor(session: ort.InferenceSession, onRelease: () => void) {
    this.#session = session;
    this.#onRelease = onRelease;
  }

  async run(inputs: Named<Tensor | DeviceTensor>, outputs?: readonly string[]) {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(inputs))
      feeds[name] = toOrt(isHeld(tensor) ? tensor : (tensor as HeldTensor).value());
    const results = await this.#session.run(feeds, outputs ?? this.#session.outputNames);
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromOrt(tensor)]));
  }

  async runKept(inputs: Named<Tensor | DeviceTensor>, outputs?: readonly string[]) {
    const results = Object.entries(await this.run(inputs, outputs));
    return Object.fromEntries(results.map(([name, tensor]) => [name, new HeldTensor(tensor)]));
  }

  async release(): Promise<void> {
    this.#onRelease();
    await this.#session.release();
  }
}

/** WebAssembly runs on the processor: a tensor is kept by keeping it. */
class HeldTensor implements DeviceTensor {
  readonly type: Tensor['type'];
  readonly dims: readonly number[];
  readonly byteLength: number;
  #tensor: Tensor | undefined;

  constructor(tensor: Tensor) {
    this.type = tensor.type;
    this.dims = tensor.dims;
    this.byteLength = tensor.data.byteLength;
    this.#tensor = tensor;
  }

  value(): Tensor {
    if (!this.#tensor) throw new Error('a tensor was read after it was released');
    return this.#tensor;
  }

  async read(): Promise<Tensor> {
    return this.value();
  }

  release(): void {
    this.#tensor = undefined;
  }
}

function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.type, tensor.data as never, [...tensor.dims]) as ort.Tensor;
}

function fromOrt(tensor: ort.Tensor): Tensor {
  return { type: tensor.type, dims: tensor.dims, data: tensor.data } as Tensor;
}
