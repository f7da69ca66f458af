import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textLength } from '../execution/denoiser-inputs.ts';
import { countMacs } from '../graph/macs.ts';
import { countParameters } from '../graph/network.ts';
import { ARCHITECTURES } from './architectures.ts';
import { type NetworkRole, networkOf } from './networks.ts';
import { openModel } from './open.ts';

/**
 * Parameters and multiply–accumulates, counted by running the libraries' own modules on tensors without memory. Tokens
 * are those of the prompt.
 */
const COUNTS: readonly (readonly [
  architecture: string,
  role: NetworkRole,
  parameters: number,
  runs: Readonly<Record<number, number>>,
])[] = [
  ['sana-sprint-600m', 'denoiser', 593501216, { 512: 157812129792, 1024: 560745676800 }],
  ['sana-600m', 'denoiser', 591747872, { 512: 157810507776, 1024: 560744054784 }],
  ['sana-1600m', 'denoiser', 1604462752, { 512: 418307993600, 1024: 1483330580480 }],
  ['sana-600m', 'vae-encoder', 153027104, { 512: 647449804800, 1024: 2589799219200 }],
  ['sana-600m', 'vae-decoder', 159223171, { 512: 1046076456960, 1024: 4184305827840 }],
  ['nitro-e-512', 'denoiser', 302449952, { 512: 40218427392 }],
  ['nitro-e-1024', 'denoiser', 302449952, { 1024: 122813546496 }],
  ['nitro-e-taesana', 'vae-decoder', 8301763, { 512: 74006396928, 1024: 296025587712 }],
  ['flux2-klein-4b', 'denoiser', 3875544576, { 512: 5086485676032, 1024: 17410089025536 }],
  ['flux2-klein-4b', 'vae-encoder', 34425856, { 512: 559402713088, 1024: 2443769282560 }],
  ['flux2-klein-4b', 'vae-decoder', 49620259, { 512: 1257792077824, 1024: 5237326741504 }],
];

for (const [architecture, role, parameters, runs] of COUNTS)
  test(`${architecture}, ${role}: parameters and operations of the published network`, async () => {
    const model = await openModel(architecture);
    const network = model.network(role);
    assert.equal(countParameters(network), parameters);
    const scale = role === 'denoiser' ? model.autoencoder.scale : 1;
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

test('Llama 3.2: parameters and operations for prompts of several lengths', async () => {
  const network = (await openModel('nitro-e')).network('text-encoder');
  assert.equal(countParameters(network), 1235814400);
  for (const [tokens, macs] of [
    [40, 39027998720],
    [128, 125627793408],
  ] as const)
    assert.equal(countMacs(network, { height: 1, width: 1, batch: 1, tokens }).total, macs);
});

test('Qwen 3: the layers that FLUX.2 klein reads, and all of them', async () => {
  const read = (await openModel('flux2-klein-4b')).network('text-encoder');
  const all = networkOf('text-encoder', ARCHITECTURES['flux2-klein-4b']!.textEncoder, 'qwen3');
  assert.equal(countParameters(all), 4022468096);
  for (const [network, tokens, macs] of [
    [all, 40, 145804492800],
    [all, 512, 1937567121408],
    [read, 40, 109353369600],
    [read, 512, 1453175341056],
  ] as const)
    assert.equal(countMacs(network, { height: 1, width: 1, batch: 1, tokens }).total, macs);
});

test('FLUX.2 klein: operations by kind, of the text apart from those of text and image together', async () => {
  const network = (await openModel('flux2-klein-4b')).network('denoiser');
  const { byKind } = countMacs(network, { height: 32, width: 32, batch: 1, tokens: 512 });
  assert.deepEqual(byKind, {
    embedding: 170655744,
    linear: 4397778075648,
    'self-attention': 362387865600,
    text: 326149079040,
  });
});
