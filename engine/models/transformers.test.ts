import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textLength } from '../execution/denoiser-inputs.ts';
import { countMacs } from '../graph/macs.ts';
import { countParameters } from '../graph/network.ts';
import { openModel } from './open.ts';
import type { Part } from './parts.ts';

/**
 * Parameters and multiply–accumulates, counted by running the libraries' own modules on tensors without memory. Tokens
 * are those of the prompt.
 */
const COUNTS: readonly (readonly [
  architecture: string,
  part: Part,
  parameters: number,
  runs: Readonly<Record<number, number>>,
])[] = [
  ['sana-sprint-600m', 'denoiser', 593501216, { 512: 157812129792, 1024: 560745676800 }],
  ['sana-600m', 'denoiser', 591747872, { 512: 157810507776, 1024: 560744054784 }],
  ['sana-1600m', 'denoiser', 1604462752, { 512: 418307993600, 1024: 1483330580480 }],
  ['sana-600m', 'vae-encoder', 153027104, { 512: 647449804800, 1024: 2589799219200 }],
  ['sana-600m', 'vae-decoder', 159223171, { 512: 1046076456960, 1024: 4184305827840 }],
];

for (const [architecture, part, parameters, runs] of COUNTS)
  test(`${architecture}, ${part}: parameters and operations of the published network`, async () => {
    const model = await openModel(architecture);
    const network = model.network(part);
    assert.equal(countParameters(network), parameters);
    const scale = part === 'denoiser' ? model.autoencoder.scale : 1;
    const tokens = textLength(model.network('denoiser'));
    for (const [pixels, macs] of Object.entries(runs)) {
      const side = Number(pixels) / scale;
      assert.equal(countMacs(network, { height: side, width: side, batch: 1, tokens }).total, macs);
    }
  });

test('Gemma 2: parameters and operations for prompts of several lengths', async () => {
  const network = (await openModel('sana-600m')).network('text-encoder');
  assert.equal(countParameters(network), 2614341888);
  for (const [tokens, macs] of [
    [40, 81141432320],
    [300, 616867430400],
    [512, 1064346583040],
  ] as const)
    assert.equal(countMacs(network, { height: 1, width: 1, batch: 1, tokens }).total, macs);
});
