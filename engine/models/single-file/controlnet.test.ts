import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { InputError } from '../../errors.ts';
import { readFloat32 } from '../../weights/read.ts';
import { temporaryFolder } from '../../weights/testing.ts';
import { writeSafetensors } from '../../weights/write.ts';
import { openControlModel } from '../control-model.ts';
import { controlNetIn, t2iAdapterIn } from './controlnet.ts';

/** A file of which only the names of its tensors exist. */
function fileOf(...names: string[]) {
  const found = new Map(
    names.map((name) => [name, { name, dtype: 'F16', shape: [4], file: '/x', offset: 0, length: 8 }]),
  );
  return { origin: '/x', names: () => found.keys(), find: (name: string) => found.get(name) };
}

test('relatives of ControlNet that need other arithmetic are refused by name', () => {
  for (const [name, what] of [
    ['lllite_unet_input_blocks_4_1_attn1_to_k.down.0.weight', /ControlNet-LLLite/],
    ['lora_controlnet', /Control-LoRA/],
    ['task_embedding', /ControlNet Union/],
    ['control_model.control_add_embedding.linear_1.weight', /ControlNet Union/],
  ] as const)
    assert.throws(
      () => controlNetIn(fileOf('controlnet_cond_embedding.conv_in.weight', name)),
      (error: Error) => error instanceof InputError && what.test(error.message),
    );
});

test('files of other kinds are neither a ControlNet nor an adapter', () => {
  const source = fileOf('model.diffusion_model.input_blocks.0.0.weight');
  assert.equal(controlNetIn(source), undefined);
  assert.equal(t2iAdapterIn(source), undefined);
});

test('a ControlNet in one file, by the names of its own code or by diffusers’, is the same network', async () => {
  const original = path.join(
    import.meta.dirname,
    '../../../test/fixtures/parity/control-file/checkpoint.safetensors',
  );
  const own = await openControlModel(original);
  const weights = await own.weights();
  const names = [...weights.names()];
  assert.ok(names.includes('controlnet_cond_embedding.conv_in.weight') && names.length > 50);
  const read = async (name: string) => (await readFloat32(weights.find(name)!)).slice();
  const tensors = names.map((name) => ({
    name,
    dtype: 'F32' as const,
    shape: weights.find(name)!.shape,
    chunks: async function* () {
      yield new Uint8Array((await read(name)).buffer as ArrayBuffer);
    },
  }));
  const file = path.join(await temporaryFolder(), 'control.safetensors');
  await writeSafetensors(file, tensors);
  const renamed = await openControlModel(file);
  assert.deepEqual([renamed.kind, renamed.config], [own.kind, own.config]);
  const found = await renamed.weights();
  for (const name of names) assert.deepEqual(await readFloat32(found.find(name)!), await read(name), name);
});
