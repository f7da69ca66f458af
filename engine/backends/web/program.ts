import * as ort from 'onnxruntime-web/wasm';
import type { Program } from '../../execution/backend.ts';
import { type DeviceTensor, isHeld, type Tensor } from '../../graph/tensor.ts';
import { KeptTensor, LeftTensors } from '../kept-tensor.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { withoutMemory } from './out-of-memory.ts';

type Named<T> = Readonly<Record<string, T>>;

/** A session of ONNX Runtime for browsers. */
export class WebProgram implements Program {
  readonly #name: string;
  readonly #session: ort.InferenceSession;
  readonly #onRelease: () => void;
  readonly #left = new LeftTensors();

  /** @param name of the model, for messages */
  constructor(name: string, session: ort.InferenceSession, onRelease: () => void) {
    this.#name = name;
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
    return Object.fromEntries(
      results.map(([name, tensor]) => [name, new KeptTensor(tensor, this.#left, valuesOf)]),
    );
  }

  async #run(
    inputs: Named<Tensor | DeviceTensor>,
    outputs: readonly string[] = this.#session.outputNames,
  ): Promise<Named<ort.Tensor>> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(inputs))
      feeds[name] = isHeld(tensor) ? toOrt(tensor) : (tensor as KeptTensor<ort.Tensor>).value();
    try {
      return (await oneAtATime(() => this.#session.run(feeds, outputs))) as Named<ort.Tensor>;
    } catch (error) {
      throw withoutMemory(this.#name, error);
    }
  }

  async release(): Promise<void> {
    this.#onRelease();
    this.#left.freeAll();
    await oneAtATime(() => this.#session.release());
  }
}

function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(tensor.type, tensor.data as never, [...tensor.dims]) as ort.Tensor;
}

async function valuesOf(tensor: ort.Tensor): Promise<Tensor> {
  const data = tensor.location === 'cpu' ? tensor.data : await oneAtATime(() => tensor.getData());
  return { type: tensor.type, dims: tensor.dims, data } as Tensor;
}
