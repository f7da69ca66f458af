import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWeightProduct } from '../graph/operators.ts';
import type { QuantizedPrecision } from '../graph/weight-form.ts';
import { openModel } from '../models/open.ts';
import { formsOf } from './weight-forms.ts';

const { operators, ...unet } = (await openModel('sd15')).network('denoiser');

/** Names of the layers of Stable Diffusion 1.5 that are kept in a form. */
function layersIn(precision: QuantizedPrecision, form: string): string[] {
  const of = formsOf({ ...unet, operators }, precision);
  return operators
    .filter(isWeightProduct)
    .filter((product) => of(product) === form)
    .map(({ weight }) => weight.name.replace(/\.weight$/, ''));
}

test('int8 keeps the ends, the first downsampling and the finest and descending shortcuts float', () => {
  assert.deepEqual(layersIn('int8', 'float'), [
    'conv_in',
    'down_blocks.0.downsamplers.0.conv',
    'down_blocks.1.resnets.0.conv_shortcut',
    'down_blocks.2.resnets.0.conv_shortcut',
    'up_blocks.3.resnets.0.conv_shortcut',
    'up_blocks.3.resnets.1.conv_shortcut',
    'up_blocks.3.resnets.2.conv_shortcut',
    'conv_out',
  ]);
  assert.deepEqual(layersIn('int8', 'blocks-8'), []);
});

test('int4 keeps the ends float, and shortcuts, the finest level and what leads into transformers in 8 bits', () => {
  assert.deepEqual(layersIn('int4', 'float'), ['conv_in', 'conv_out']);
  const finer = layersIn('int4', 'blocks-8');
  for (const layer of [
    'mid_block.attentions.0.proj_in',
    'up_blocks.0.resnets.0.conv_shortcut',
    'up_blocks.3.attentions.2.transformer_blocks.0.ff.net.2',
    'up_blocks.2.upsamplers.0.conv',
    'down_blocks.1.resnets.0.conv1',
  ])
    assert.ok(finer.includes(layer), layer);
  assert.ok(layersIn('int4', 'blocks-4').includes('mid_block.resnets.0.conv1'));
});
