import type { Machine } from '../../../../shared/benchmark/report.ts';
import type { CompileOptions, Program, PublishedModel } from '../../backend.ts';

/** Loads ONNX models on one machine. */
export interface OnnxLoader {
  readonly threads: number;
  readonly machine: Machine;
  load(model: PublishedModel, options?: CompileOptions): Promise<Program>;
}
