import assert from 'node:assert/strict';
import test from 'node:test';
import { kernelsOf } from '../../backends/devices/kernels.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import type { CompileOptions, Program } from '../backend.ts';
import type { OnnxModel } from '../lowering/onnx/onnx.ts';
import { checkDevice } from './check.ts';

/** The processor with a GPU's operators, and what it does with weights in blocks. */
class Disguised extends NodeBackend {
  override readonly device = 'webgpu';
  override readonly can;
  readonly #blocks: 'right' | 'wrong' | 'missing';

  constructor(blocks: 'right' | 'wrong' | 'missing', wrong: readonly string[]) {
    super(1);
    this.#blocks = blocks;
    this.can = { ...new NodeBackend(1).can, ...kernelsOf('webgpu', wrong) };
  }

  override async load(model: OnnxModel, options?: CompileOptions): Promise<Program> {
    const program = await super.load(model, options);
    if (this.#blocks === 'right' || !Buffer.from(model.bytes).includes('MatMulNBits')) return program;
    if (this.#blocks === 'missing') throw new Error('Kernel not found');
    const run: Program['run'] = async (inputs, outputs) => {
      const results = await program.run(inputs, outputs);
      for (const { data } of Object.values(results)) (data as Float32Array)[0]! += 1;
      return results;
    };
    return { run, runKept: (...given) => program.runKept(...given), release: () => program.release() };
  }
}

test('a GPU’s step is timed in each precision that is right, and weights in blocks are left out if they are not', async () => {
  for (const blocks of ['right', 'wrong', 'missing'] as const) {
    const found = await checkDevice((wrong) => new Disguised(blocks, wrong), new NodeBackend(1));
    assert.equal(found.fault, undefined);
    assert.deepEqual(found.wrong, blocks === 'right' ? [] : ['MatMulNBits']);
    assert.ok(found.steps!.fp32! > 0);
    assert.equal(found.steps!.int8! > 0, blocks === 'right');
    assert.ok(found.stepSeconds! <= found.steps!.fp32!);
    assert.ok(found.storages!.includes('uint8'));
  }
});

test('of the processor only the step is timed', async () => {
  const found = await checkDevice(() => new NodeBackend(1), new NodeBackend(1));
  assert.deepEqual(Object.keys(found).sort(), ['half', 'stepSeconds', 'wrong']);
});
