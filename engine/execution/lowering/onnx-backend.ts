import type { Machine } from '../../../shared/benchmark/report.ts';
import type { Network } from '../../graph/network.ts';
import type { Weights } from '../../weights/table.ts';
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
  abstract readonly can: Capabilities;
  abstract readonly threads: number;
  abstract readonly machine: Machine;
  abstract availableBytes(): number;
  abstract peakBytes(): number;
  /** Loads an ONNX model. */
  abstract load(model: PublishedModel, options?: CompileOptions): Promise<Program>;

  async compile(network: Network, weights: Weights, form: Form, options?: CompileOptions): Promise<Program> {
    return this.load(lower(network, weights, form, this.can), options);
  }

  open(model: PublishedModel, options?: CompileOptions): Promise<Program> {
    return this.load(model, options);
  }

  largestInt8(): Promise<number> {
    return largestInt8(this);
  }

  formSpeed(): Promise<FormSpeed> {
    return machineSpeed(this);
  }
}
