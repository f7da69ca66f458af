import { float32 } from '../../../engine/graph/tensor.ts';
import type { Job } from '../../../engine/parallel/job.ts';
import type { SentAdditions } from '../wire.ts';

/** The second of two bands of a small latent. */
export const SMALL_JOB: Job = {
  id: 'job',
  model: 'model',
  version: '',
  precision: 'fp32',
  condition: { text: float32(new Float32Array(2 * 3 * 4), [2, 3, 4]), guidance: 3 },
  channels: 4,
  bands: { height: 8, width: 8, axis: 'y', edges: [[0, 4, 8]] },
  index: 1,
  mode: 'displaced',
  coding: 'float32',
};

/** Numbered values of this shape. */
const numbered = (...dims: number[]) =>
  float32(
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i),
    dims,
  );

const guide = { maps: [numbered(1, 3, 8, 8)], strength: 0.7, from: 900, to: 20 };
const steered: Job['condition'] = {
  ...SMALL_JOB.condition,
  vectors: {},
  controls: {
    hints: [{ ...guide, guess: true }],
    features: [
      { ...guide, maps: [numbered(1, 2, 8, 8), numbered(1, 2, 4, 4)] },
      // Acts in no step.
      { ...guide, from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY },
    ],
  },
  references: [
    { keys: numbered(2, 5, 4), values: numbered(2, 5, 4) },
    { keys: numbered(2, 1, 4), values: numbered(2, 1, 4), masks: { 0: numbered(1, 1, 8, 8) } },
  ],
  regions: [numbered(2, 3, 4)],
  shares: [{ 0: numbered(1, 1, 8, 8), 1: numbered(1, 1, 4, 4) }, { 0: numbered(1, 1, 8, 8) }],
  later: [
    {
      from: 500,
      text: numbered(2, 3, 4),
      regions: [numbered(2, 3, 4)],
      vectors: { pooled: numbered(2, 6) },
    },
  ],
};

/** An edit with everything that steers an image. */
export const STEERED_JOB: Job = {
  ...SMALL_JOB,
  condition: steered,
  edit: {
    picture: 'p',
    condition: steered,
    mask: { height: 8, width: 8, data: new Uint8Array(64).fill(1) },
    ring: 1,
  },
};

const hash = 'a'.repeat(64);
/** What is added to its model. */
export const SENT_ADDITIONS: SentAdditions = {
  loras: [{ hash, strength: -0.5 }],
  controls: [hash],
  features: 2,
  regions: 1,
  references: { hash, groups: [{ masked: false }, { masked: true }] },
};
