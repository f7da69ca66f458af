import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smallUNet } from '../../../test/support/tiny-model.ts';
import { textLength } from '../../execution/denoiser-inputs.ts';
import { countMacs } from '../../graph/macs.ts';
import { networkOf } from '../../models/networks.ts';
import { splitMacs } from './macs.ts';

const denoiser = networkOf('denoiser', smallUNet(), 'test');
/** So large that keys are sampled where that is asked for. */
const LATENT = { height: 64, width: 64 };
const OTHERS = 1e6;

for (const attention of ['full', 'sampled'] as const)
  test(`with ${attention} attention the steps are counted as they were computed, and the rest is left`, () => {
    const stepOf = (batch: number) =>
      countMacs(denoiser, { ...LATENT, batch, tokens: textLength(denoiser) }, undefined, attention).total;
    const outcome = {
      picture: { png: new Uint8Array() },
      macs: 2 * stepOf(2) + stepOf(1) + OTHERS,
      stepSeconds: [1, 1, 1],
      recipe: { stepPlan: 'FFP' },
    };
    const { byKind } = splitMacs(denoiser, LATENT, { guided: true, attention }, outcome);
    const others = (byKind as Record<string, number>)['other networks']!;
    assert.ok(Math.abs(others - OTHERS) < 1, `${others}`);
  });
