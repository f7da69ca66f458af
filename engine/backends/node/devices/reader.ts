import * as ort from 'onnxruntime-node';
import { OnnxBuilder } from '../../../execution/lowering/onnx/onnx.ts';
import { float32, type Tensor } from '../../../graph/tensor.ts';

/**
 * Brings float32 tensors [a, b, c] back from a device. ONNX Runtime's own way ends the process; a session whose output
 * is in main memory does it.
 */
export class DeviceReader {
  readonly #providers: () => ort.InferenceSession.ExecutionProviderConfig[];
  #session: Promise<ort.InferenceSession> | undefined;

  constructor(providers: () => ort.InferenceSession.ExecutionProviderConfig[]) {
    this.#providers = providers;
  }

  async read(tensor: ort.Tensor): Promise<Tensor> {
    if (tensor.type !== 'float32' || tensor.dims.length !== 3)
      throw new Error(`a ${tensor.type} tensor [${tensor.dims}] cannot be read back`);
    this.#session ??= this.#open();
    const { y } = await (await this.#session).run({ x: tensor });
    return float32(y!.data as Float32Array, tensor.dims);
  }

  #open(): Promise<ort.InferenceSession> {
    const onnx = new OnnxBuilder({ operator: () => true, opset: 20 });
    const dims = ['a', 'b', 'c'];
    onnx.output('y', onnx.node('Identity', [onnx.input('x', 'float32', dims)]), 'float32', dims);
    const options = { executionProviders: this.#providers(), graphOptimizationLevel: 'disabled' as const };
    return ort.InferenceSession.create(onnx.encode('read').bytes, options);
  }
}
