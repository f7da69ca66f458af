import type { DeviceId } from '../../../shared/api.ts';
import type { Machine } from '../../../shared/benchmark/report.ts';
import { messageOf } from '../../../shared/errorMessage.ts';
import { InputError } from '../../errors.ts';
import type { Network } from '../../graph/network.ts';
import { requireUnchanged } from '../../weights/file-version.ts';
import type { Weights } from '../../weights/weight-table.ts';
import type {
  Backend,
  Capabilities,
  CompileOptions,
  FormSpeed,
  Program,
  PublishedModel,
} from '../backend.ts';
import type { Form } from '../forms/form.ts';
import { lower } from './lower.ts';
import { machineSpeed } from './machine-speed.ts';
import type { OnnxLoader } from './onnx/loader.ts';
import { largestInt8 } from './self-check.ts';

/** Base of backends that run ONNX models: lowers networks and measures the machine. */
export abstract class OnnxBackend implements Backend, OnnxLoader {
  abstract readonly device: DeviceId;
  abstract readonly can: Capabilities;
  abstract readonly threads: number;
  abstract readonly machine: Machine;
  abstract availableBytes(): number;
  abstract peakBytes(): number;
  /** Loads an ONNX model. */
  abstract load(model: PublishedModel, options?: CompileOptions): Promise<Program>;

  async compile(network: Network, weights: Weights, form: Form, options?: CompileOptions): Promise<Program> {
    const { half = false } = options ?? {};
    const model = lower(network, weights, form, { ...this.can, half });
    const loading = this.load(model, options);
    // The state of the files explains the failure better than the loader's message.
    await loading.catch(() => requireUnchanged(weights.files));
    const program = await loading.catch((error) => {
      throw new Error(`The network ${network.name} could not be loaded: ${messageOf(error)}`, {
        cause: error,
      });
    });
    await requireUnchanged(weights.files).catch(async (error) => {
      await program.release();
      throw error;
    });
    return program;
  }

  async open(model: PublishedModel, options?: CompileOptions): Promise<Program> {
    return this.load(model, options).catch((error) => {
      throw new InputError(
        `${model.name} cannot be loaded: it is damaged, or asks for what is not supported (${messageOf(error)}).`,
        { cause: error },
      );
    });
  }

  largestInt8(): Promise<number> {
    return largestInt8(this);
  }

  formSpeed(): Promise<FormSpeed> {
    return machineSpeed(this);
  }
}
