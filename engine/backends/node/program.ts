import * as ort from 'onnxruntime-node';
import type { OperatorTime } from '../../../shared/benchmark/report.ts';
import type { Program } from '../../execution/backend.ts';
import { type DeviceTensor, isHeld, type Tensor } from '../../graph/tensor.ts';
import { KeptTensor, LeftTensors } from '../kept-tensor.ts';
import type { ProfileFolder } from './profile.ts';

type Inputs = Readonly<Record<string, Tensor | DeviceTensor>>;

export interface OrtProgramOptions {
  profile?: ProfileFolder;
  /** Always asks for every output: of programs that leave some on a device, subsets come under wrong names. */
  wholly?: boolean;
  /** Whether it runs on a GPU. */
  onDevice?: boolean;
  /** Brings a tensor back from the device; absent if all outputs come back by themselves. */
  read?: (tensor: ort.Tensor) => Promise<Tensor>;
}

/** An ONNX Runtime session. */
export class OrtProgram implements Program {
  readonly #session: ort.InferenceSession;
  readonly #options: OrtProgramOptions;
  readonly #left = new LeftTensors();

  constructor(session: ort.InferenceSession, options: OrtProgramOptions = {}) {
    this.#session = session;
    this.#options = options;
  }

  async run(inputs: Inputs, outputs?: readonly string[]) {
    const results: Record<string, Tensor> = {};
    for (const [name, tensor] of Object.entries(await this.#run(inputs, outputs))) {
      results[name] = await this.#read(tensor);
      if (tensor.location !== 'cpu') tensor.dispose();
    }
    return results;
  }

  async runKept(inputs: Inputs, outputs?: readonly string[]) {
    const results = Object.entries(await this.#run(inputs, outputs));
    return Object.fromEntries(
      results.map(([name, tensor]) => [name, new KeptTensor(tensor, this.#left, (kept) => this.#read(kept))]),
    );
  }

  async #run(inputs: Inputs, outputs?: readonly string[]): Promise<Readonly<Record<string, ort.Tensor>>> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(inputs))
      feeds[name] = isHeld(tensor) ? toOrt(tensor) : (tensor as KeptTensor<ort.Tensor>).value();
    const all = this.#session.outputNames;
    const wanted = outputs ?? all;
    const asked = this.#options.wholly ? all : wanted;
    const results = (await this.#session.run(feeds, asked)) as Record<string, ort.Tensor>;
    for (const [name, tensor] of Object.entries(results)) {
      if (wanted.includes(name)) continue;
      if (tensor.location !== 'cpu') tensor.dispose();
      delete results[name];
    }
    return results;
  }

  async #read(tensor: ort.Tensor): Promise<Tensor> {
    if (tensor.location === 'cpu') return fromOrt(tensor);
    const { read } = this.#options;
    if (!read) throw new Error('this program leaves nothing on a device');
    return read(tensor);
  }

  async profile(): Promise<OperatorTime[][]> {
    this.#session.endProfiling();
    const { profile, onDevice = false } = this.#options;
    return (await profile?.read({ onDevice })) ?? [];
  }

  async release(): Promise<void> {
    this.#left.freeAll();
    await this.#session.release();
    await this.#options.profile?.remove();
  }
}

/**
 * ONNX Runtime's tensors over arrays that were inputs before. A step has a hundred inputs, most of them in the same arrays
 * as in the step before, and making a tensor costs several microseconds and what the garbage collector has to do later.
 */
const wrapped = new WeakMap<Tensor['data'], ort.Tensor>();

function toOrt({ type, data, dims }: Tensor): ort.Tensor {
  const known = wrapped.get(data);
  const isSame = known?.dims.length === dims.length && known.dims.every((size, i) => size === dims[i]);
  if (known && isSame) return known;
  const made = new ort.Tensor(type, data as never, [...dims]) as ort.Tensor;
  wrapped.set(data, made);
  return made;
}

function fromOrt(tensor: ort.Tensor): Tensor {
  return { type: tensor.type, dims: tensor.dims, data: tensor.data } as Tensor;
}
