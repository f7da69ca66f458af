import assert from 'node:assert/strict';
import test from 'node:test';
import { InputError } from '../../errors.ts';
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
