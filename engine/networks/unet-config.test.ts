import assert from 'node:assert/strict';
import test from 'node:test';
import { smallUNet } from '../../test/support/tiny-model.ts';
import { InputError } from '../errors.ts';
import { weightsOf } from '../graph/network.ts';
import { unet } from './unet.ts';
import { parseUNetConfig } from './unet-config.ts';

const small = smallUNet();
const refused = (change: object, sentence: RegExp) =>
  assert.throws(
    () => parseUNetConfig({ ...small, ...change }, 'unet/config.json'),
    (error) =>
      error instanceof InputError &&
      sentence.test(error.message) &&
      error.message.startsWith('unet/config.json'),
  );

test('refuses what it cannot compute and names what it can', () => {
  refused(
    { down_block_types: ['AttnDownBlock2D', 'DownBlock2D'] },
    /"AttnDownBlock2D" is not supported; supported: "CrossAttnDownBlock2D"/,
  );
  refused({ _class_name: 'UNet3DConditionModel' }, /UNet3DConditionModel.*UNet2DConditionModel/);
  refused({ resnet_time_scale_shift: 'scale_shift' }, /resnet_time_scale_shift.*"default"/);
  refused({ class_embed_type: 'timestep' }, /class_embed_type/);
  refused({ addition_embed_type: 'image' }, /"text_time"/);
});

test('refuses numbers that do not fit together, or fit no machine', () => {
  refused({ block_out_channels: [8, 18] }, /18 channels cannot be divided into 4 groups/);
  refused({ attention_head_dim: 3 }, /8 channels cannot be divided among 3 attention heads/);
  refused({ attention_head_dim: [2, 2, 2] }, /attention_head_dim has 3 entries for 2 levels/);
  refused({ block_out_channels: [8, 1e9] }, /block_out_channels/);
  refused({ block_out_channels: Array(1000).fill(8) }, /block_out_channels/);
  refused({ layers_per_block: 1e6 }, /layers_per_block/);
  refused({ norm_eps: Number.NaN }, /norm_eps/);
  refused(
    {
      transformer_layers_per_block: [
        [1, 1],
        [1, 1],
      ],
    },
    /reverse_transformer_layers_per_block is missing/,
  );
  refused({ addition_embed_type: 'text_time' }, /addition_time_embed_dim/);
});

test('a config that is no object is refused', () => {
  for (const json of [null, 3, 'unet', []]) assert.throws(() => parseUNetConfig(json, 'x'), InputError);
});

test('heads, layers and transformers may differ from level to level', () => {
  const config = parseUNetConfig(
    {
      ...small,
      attention_head_dim: [2, 4],
      layers_per_block: [1, 2],
      transformer_layers_per_block: [[2], [1, 1]],
      reverse_transformer_layers_per_block: [
        [1, 1, 1],
        [3, 2],
      ],
    },
    'x',
  );
  assert.deepEqual(
    config.down.map((block) => block.transformers),
    [[2], []],
  );
  assert.deepEqual(
    config.up.map((block) => block.transformers),
    [[], [3, 2]],
  );
  const names = new Set(weightsOf(unet(config)).map(({ name }) => name));
  assert.ok(names.has('up_blocks.1.attentions.0.transformer_blocks.2.attn2.to_q.weight'));
  assert.ok(!names.has('up_blocks.1.attentions.1.transformer_blocks.2.attn2.to_q.weight'));
});

test('a list that repeats one value stands for it, and no other list does', () => {
  const lists = {
    norm_num_groups: [4],
    in_channels: [4, 4],
    norm_eps: [1e-5],
    use_linear_projection: [false],
  };
  assert.deepEqual(
    parseUNetConfig({ ...small, ...lists }, 'x'),
    parseUNetConfig({ ...small, in_channels: 4, norm_num_groups: 4 }, 'x'),
  );
  refused({ norm_num_groups: [4, 8] }, /norm_num_groups/);
  refused({ norm_num_groups: [] }, /norm_num_groups/);
  refused({ norm_num_groups: [[4], [4]] }, /norm_num_groups/);
  refused({ norm_num_groups: ['4', '4'] }, /norm_num_groups/);
});

test('a message quotes a config shortly and without control characters', () => {
  const hostile = `\u001b]0;title\u0007${'x'.repeat(10_000)}`;
  for (const change of [
    { _class_name: hostile },
    { act_fn: [hostile] },
    { class_embed_type: { a: hostile } },
  ])
    assert.throws(
      () => parseUNetConfig({ ...small, ...change }, 'x'),
      ({ message }: Error) => message.length < 400 && !/\p{Cc}/u.test(message),
    );
});

test('a network without a middle has no weights for one', () => {
  const names = weightsOf(unet(parseUNetConfig({ ...small, mid_block_type: null }, 'x'))).map(
    ({ name }) => name,
  );
  assert.ok(names.every((name) => !name.startsWith('mid_block')));
  assert.ok(names.length > 50);
});
