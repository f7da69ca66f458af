import fc from 'fast-check';
import { CROSS, tinyUNets, withTinyModel } from '../../../test/support/tiny-model.ts';
import { NodeBackend } from '../../backends/node/backend.ts';
import { float32, type Tensor } from '../../graph/tensor.ts';
import { gaussianNoise } from '../../noise.ts';
import { toRows } from '../../regions/rows.ts';
import { Components } from '../components.ts';
import type { RowsOptions } from '../forms/form.ts';
import { RowsUNet } from './rows-unet.ts';

const TOKENS = 5;
export const TIMESTEP = 300;

/** Small U-Nets and pictures, latents from `min` to `max` positions a side; fields of a `fc.record`. */
export const tinyCases = (side: { min: number; max: number }) => ({
  config: tinyUNets,
  height: fc.integer(side),
  width: fc.integer(side),
  batch: fc.integer({ min: 1, max: 2 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

interface TinyCase {
  config: object;
  height: number;
  width: number;
  batch: number;
  seed: number;
}

/** A small U-Net that can be loaded in rows forms, and its inputs. */
interface TinyRows {
  components: Components;
  /** Float32, with statistics of any kind and full attention by default. */
  rows: (options?: Partial<RowsOptions>) => Promise<RowsUNet>;
  /** [batch, tokens, channels]. */
  text: Tensor & { type: 'float32' };
  /** Inputs for the rows `at` of planes [batch, 4, height, width]. */
  inputs: (planes: Float32Array, at: Int32Array, timestep?: number) => Record<string, Tensor>;
}

/** Frees the network when `use` is done. */
export function withTinyRows(
  { config, height, width, batch, seed }: TinyCase,
  use: (tiny: TinyRows) => Promise<void>,
): Promise<void> {
  return withTinyModel(config, async (model) => {
    const components = new Components(model, new NodeBackend(), 1);
    const foldUpsampling = RowsUNet.canFold(components.network('denoiser'), height, width);
    const text = float32(gaussianNoise(seed, 99, batch * TOKENS * CROSS), [batch, TOKENS, CROSS]);
    try {
      await use({
        components,
        rows: (options) =>
          components.forms.rows({
            foldUpsampling,
            storage: 'float32',
            statistics: 'any',
            attention: 'full',
            ...options,
          }),
        text,
        inputs: (planes, at, timestep = TIMESTEP) => ({
          sample: float32(toRows(planes, batch, 4, at), [batch, at.length, 4]),
          timestep: float32(Float32Array.of(timestep), [1, 1]),
          encoder_hidden_states: text,
        }),
      });
    } finally {
      await components.release();
    }
  });
}
