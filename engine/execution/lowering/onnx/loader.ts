import type { DeviceId } from '../../../../shared/api.ts';
import type { Machine } from '../../../../shared/benchmark/report.ts';
import type { Capabilities, CompileOptions, Program, PublishedModel } from '../../backend.ts';

/** Loads ONNX models on one machine. */
export interface OnnxLoader {
  readonly device: DeviceId;
  readonly can: Pick<Capabilities, 'operator' | 'opset'>;
  readonly threads: number;
  readonly machine: Machine;
  load(model: PublishedModel, options?: CompileOptions): Promise<Program>;
}
