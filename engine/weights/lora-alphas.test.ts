import assert from 'node:assert/strict';
import test from 'node:test';
import { alphasOf } from './lora-alphas.ts';

test('PEFT’s config beside a file has the alpha of LoRA, LoHa and LoKr under their own names', () => {
  const of = (config: unknown, key = 'base_model.model.mid_block.q') => alphasOf({}, config)(key);
  assert.deepEqual(of({ lora_alpha: 16 }), { value: 16, root: false });
  assert.deepEqual(of({ peft_type: 'LOHA', alpha: 4, r: 8 }), { value: 4, root: false });
  assert.deepEqual(of({ alpha: 4, alpha_pattern: { 'mid_block.q': 2 } }), { value: 2, root: false });
  assert.deepEqual(of({ lora_alpha: 16, use_rslora: true }), { value: 16, root: true });
  assert.equal(of({ r: 8 }), undefined);
  assert.equal(of('not a config'), undefined);
});
