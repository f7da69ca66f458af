import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CROSS, tinyUNets, withTinyModel } from '../../test/support/tiny-model.ts';
import { NodeBackend } from '../backends/node/backend.ts';
import { float32 } from '../graph/tensor.ts';
import { centredMask } from '../regions/mask.ts';
import { Components } from './components.ts';

const SIDE = 8;
const TOKENS = 5;

for (const keepsAll of [false, true])
  test(`forms of a large denoiser ${keepsAll ? 'are all kept for a benchmark' : 'make room'}`, () =>
    withTinyModel(fc.sample(tinyUNets, { numRuns: 1, seed: 1 })[0]!, async (model) => {
      const components = new Components(model, new NodeBackend(), 1, { keepsAll });
      components.isSmall = async () => false;
      const denoiser = components.denoiser({ precision: 'fp32' });
      const text = float32(new Float32Array(TOKENS * CROSS), [1, TOKENS, CROSS]);
      const whole = await denoiser.plan({ of: 'whole', height: SIDE, width: SIDE }, 1);
      await denoiser.plan({ of: 'region', mask: centredMask(SIDE, SIDE, 0.2), ring: 0 }, 1);
      const predicted = denoiser.predict(whole, new Float32Array(4 * SIDE * SIDE), 1, { text, guidance: 1 });
      if (keepsAll) await predicted;
      else await assert.rejects(predicted);
      await components.release();
    }));
