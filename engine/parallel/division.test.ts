import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { writeCheckpoint } from '../../test/support/checkpoints.ts';
import type { Condition } from '../execution/condition.ts';
import { countMacs } from '../graph/macs.ts';
import { float32 } from '../graph/tensor.ts';
import { DiffusionModel } from '../models/diffusion-model.ts';
import { temporaryFolder } from '../weights/testing.ts';
import { type DividedImage, Division } from './division.ts';
import { TEAM_DEFAULTS } from './team-options.ts';

test('reference images are computed with every part of an image, but not for an edit', async () => {
  const folder = path.join(await temporaryFolder(), 'flux2');
  await writeCheckpoint(folder, 'flux2-klein');
  const network = (await DiffusionModel.open(folder)).network('denoiser');
  const [height, width] = [5, 4];
  const text = float32(new Float32Array(6 * 24), [1, 6, 24]);
  const images = [float32(new Float32Array(16 * 12), [16, 3, 4])];
  const condition: Condition = { text, guidance: 1, images };
  const mask = { height, width, data: Uint8Array.from({ length: height * width }, (_, i) => Number(i < 7)) };
  const edit = { id: 'a', condition, mask, ring: 0, sampleAt: () => new Float32Array() };
  const bands = { height, width, axis: 'y', edges: [[0, height]] } as const;
  const layout = { parts: [{ worker: 0, branch: undefined, bands, index: 0 }] };
  const macsOf = (active: readonly (typeof mask)[] | undefined, more: Partial<DividedImage> = {}) => {
    const about = { model: '', version: '', precision: 'fp32', channels: 16, timesteps: [1] } as const;
    const picture: DividedImage = { ...about, network, height, width, condition, ...more };
    return new Division([], layout, picture, TEAM_DEFAULTS, active).macs(0);
  };
  const extent = { height, width, batch: 1, tokens: 6, references: 12 };
  assert.equal(macsOf(undefined), countMacs(network, extent).total);
  assert.equal(macsOf([mask], { edit }), countMacs(network, extent, [7]).total);
  const whole = { ...mask, data: mask.data.map(() => 1) };
  assert.equal(macsOf([whole], { edit: { ...edit, mask: whole } }), countMacs(network, extent).total);
});
