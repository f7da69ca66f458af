import assert from 'node:assert/strict';
import test from 'node:test';
import { kernelsOf } from '../../backends/devices/kernels.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import type { CompileOptions, Program } from '../backend.ts';
import type { OnnxModel } from '../lowering/onnx/onnx.ts';
import { rightStorages } from './storages.ts';

/** The processor with WebGPU's operators; `change` is what is wrong with it. */
class Disguised extends NodeBackend {
  override readonly can = { ...new NodeBackend(1).can, ...kernelsOf('webgpu') };
  readonly #change: (program: Program, model: OnnxModel) => Program;

  constructor(change: (program: Program, model: OnnxModel) => Program = (program) => program) {
    super(1);
    this.#change = change;
  }

  override async load(model: OnnxModel, options?: CompileOptions): Promise<Program> {
    return this.#change(await super.load(model, options), model);
  }
}

test('a device records in halves, if it has them, and in bytes', async () => {
  assert.deepEqual(await rightStorages(new Disguised(), true), ['float16', 'uint8']);
  assert.deepEqual(await rightStorages(new Disguised(), false), ['uint8']);
});

test('what a device records wrongly, or not at all, is not used', async () => {
  const missing = new Disguised((program, { name }) => {
    if (name === 'putting') throw new Error('Kernel not found');
    return program;
  });
  assert.deepEqual(await rightStorages(missing, true), []);
  // As if nothing were put in place of what was recorded, and something else taken.
  const wrong = new Disguised((program, { name }) => {
    if (name !== 'taking') return program;
    const runKept: Program['runKept'] = (inputs, outputs) => {
      const first = Object.keys(inputs).find((input) => input.startsWith('halo'))!;
      return program.runKept(
        { ...inputs, [first]: { type: 'int32', data: Int32Array.of(0), dims: [1] } },
        outputs,
      );
    };
    return { run: (...given) => program.run(...given), runKept, release: () => program.release() };
  });
  assert.deepEqual(await rightStorages(wrong, true), []);
});
