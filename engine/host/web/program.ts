import * as ort from 'onnxruntime-web/wasm';
import type { Program } from '../../execution/backend.ts';
import { type DeviceTensor, isHeld, type Tensor } from '../../graph/tensor.ts';
import { oneAtATime } from './one-at-a-time.ts';

type Named<T> = Readonly<Record<string, T>>;

/** A session of ONNX Runtime for browsers. */
export class WebProgram implements Program {
  readonly #session: ort.InferenceSession;
  readonly #onRelease: () => void;

  constructor(session: ort.InferenceSession, onRelease: () => void) {
    this.#session = session;
    this.#onRelease = onRelease;
  }

  async run(inputs: Named<Tensor | DeviceTensor>, outputs?: readonly string[]) {
    const results: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(await this.#run(inputs, outputs))) {
      results[name] = await valuesOf(tensor);
      tensor.dispose();
    }
    return results;
  }

  async runKept(inputs: Named<Tensor | DeviceTensor>, outputs?: readonly string[]) {
    const results = Object.entries(await this.#run(inputs, outputs));
    return Object.fromEntries(results.map(([name, tensor]) => [name, new KeptTensor(tensor)]));
  }

  async #run(
    inputs: Named<Tensor | DeviceTensor>,
    outputs: readonly string[] = this.#session.outputNames,
  ): Promise<Named<ort.Tensor>> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(inputs))
      feeds[name] = isHeld(tensor) ? toOrt(tensor) : (tensor as KeptTensor).value();
    return (await oneAtATime(() => this.#session.run(feeds, outputs))) as Named<ort.Tensor>;
  }

  async release(): Promise<void> {
    this.#onRelease();
    await oneAtATime(() => this.#session.release());
  }
}

/** Frees tensors of a GPU that nothing refers to any more; their owners release them earlier where they can. */
const forgotten = new FinalizationRegistry<ort.Tensor>((tensor) => tensor.dispose());

/** A result where it was computed. WebAssembly's memory is its device's: there nothing is copied. */
class KeptTensor implements DeviceTensor {
  readonly type: Tensor['type'];
  readonly dims: readonly number[];
  readonly byteLength: number;
  #tensor: ort.Tensor | undefined;

  constructor(tensor: ort.Tensor) {
    this.type = tensor.type as Tensor['type'];
    this.dims = tensor.dims;
    this.byteLength = tensor.size * BYTES[this.type];
    this.#tensor = tensor;
    if (tensor.location !== 'cpu') forgotten.register(this, tensor, this);
  }

  value(): ort.Tensor {
    if (!this.#tensor) throw new Error('a tensor was read after it was released');
    return this.#tensor;
  }

  read(): Promise<Tensor> {
    return valuesOf(this.value());
  }

  release(): void {
    if (this.#tensor && this.#tensor.location !== 'cpu') {
      forgotten.unregister(this);
      this.#tensor.dispose();
    }
    this.#tensor = undefined;
  }
}

/** Bytes of an element. */
const BYTES: Readonly<Record<Tensor['type'], number>> = { float32: 4, int8: 1, int32: 4, int64: 8 };

function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.type, tensor.data as never, [...tensor.dims]) as ort.Tensor;
}

async function valuesOf(tensor: ort.Tensor): Promise<Tensor> {
  const data = tensor.location === 'cpu' ? tensor.data : await oneAtATime(() => tensor.getData());
  return { type: tensor.type, dims: tensor.dims, data } as Tensor;
}
