import assert from 'node:assert/strict';
import test from 'node:test';
import { countMacs } from '../graph/macs.ts';
import { countParameters, weightsOf } from '../graph/network.ts';
import { maskDecoder } from '../networks/mask-decoder.ts';
import { SAM_DECODER, VISION_ARCHITECTURES, visionPart } from './efficientvit.ts';

const networkNamed = (name: string, part?: string) => visionPart(name, part).part.make();
/** Rounds as the tables of EfficientViT's authors do: two digits below 10, else whole. */
const printed = (value: number) =>
  value < 1 ? value.toFixed(2) : value < 9.95 ? value.toFixed(1) : value.toFixed(0);

for (const [name, size, gigaMacs, parameters] of [
  ['efficientvit-b1', 224, '0.52', '9.1'],
  ['efficientvit-b1', 256, '0.68', '9.1'],
  ['efficientvit-b1', 288, '0.86', '9.1'],
  ['efficientvit-b2', 224, '1.6', '24'],
  ['efficientvit-b2', 288, '2.6', '24'],
  ['efficientvit-b3', 224, '4.0', '49'],
  ['efficientvit-b3', 288, '6.5', '49'],
  ['efficientvit-l1', 224, '5.3', '53'],
  ['efficientvit-l2', 224, '6.9', '64'],
  ['efficientvit-l2', 384, '20', '64'],
  ['efficientvit-l3', 224, '28', '246'],
  ['efficientvit-l3', 384, '81', '246'],
  ['efficientvit-seg-b1-ade20k', 512, '3.1', '4.8'],
  ['efficientvit-seg-b2-ade20k', 512, '9.1', '15'],
  ['efficientvit-seg-l1-ade20k', 512, '36', '40'],
  ['efficientvit-seg-l2-ade20k', 512, '45', '51'],
] as const)
  test(`${name} at ${size} has the published operations and parameters`, () => {
    const network = networkNamed(name);
    const { total } = countMacs(network, { height: size, width: size, batch: 1, tokens: 0 });
    assert.equal(printed(total / 1e9), gigaMacs);
    assert.equal(printed(countParameters(network) / 1e6), parameters);
  });

for (const [name, gigaMacs, parameters] of [
  ['efficientvit-seg-b0-cityscapes', '4.4', '0.71'],
  ['efficientvit-seg-b1-cityscapes', '25', '4.8'],
  ['efficientvit-seg-b2-cityscapes', '74', '15'],
  ['efficientvit-seg-b3-cityscapes', '179', '40'],
  ['efficientvit-seg-l1-cityscapes', '282', '40'],
  ['efficientvit-seg-l2-cityscapes', '396', '53'],
] as const)
  test(`${name} has the published operations and parameters`, () => {
    const network = networkNamed(name);
    const { total } = countMacs(network, { height: 1024, width: 2048, batch: 1, tokens: 0 });
    assert.equal(printed(total / 1e9), gigaMacs);
    assert.equal(printed(countParameters(network) / 1e6), parameters);
  });

/** EfficientViT-SAM's published parameters are of encoder and decoder, its operations of the encoder. */
for (const [name, size, gigaMacs, parameters] of [
  ['efficientvit-sam-l0', 512, '35', '34.8'],
  ['efficientvit-sam-l1', 512, '49', '47.7'],
  ['efficientvit-sam-l2', 512, '69', '61.3'],
  ['efficientvit-sam-xl0', 1024, '185', '117.0'],
  ['efficientvit-sam-xl1', 1024, '322', '203.3'],
] as const)
  test(`${name} has the published operations and parameters`, () => {
    const encoder = networkNamed(name);
    const { total } = countMacs(encoder, { height: size, width: size, batch: 1, tokens: 0 });
    assert.equal(printed(total / 1e9), gigaMacs);
    const decoders = [true, false].flatMap((refine) => weightsOf(maskDecoder(SAM_DECODER, { refine })));
    const decoder = [...new Map(decoders.map((weight) => [weight.name, weight])).values()];
    const own = decoder.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    // Frequencies of positions are random, not trained.
    const frequencies = SAM_DECODER.channels;
    assert.equal(((countParameters(encoder) + own - frequencies) / 1e6).toFixed(1), parameters);
  });

test('parts are asked for by name, and a wrong name lists them', () => {
  assert.deepEqual(Object.keys(VISION_ARCHITECTURES['efficientvit-sam-l0']!), [
    'image-encoder',
    'mask-decoder',
  ]);
  assert.equal(visionPart('efficientvit-b1').name, 'classifier');
  assert.throws(
    () => visionPart('efficientvit-b1', 'unet'),
    /efficientvit-b1 has no unet; its parts: classifier/,
  );
});
