import type { Extent } from '../graph/macs.ts';
import { countMacs } from '../graph/macs.ts';
import { gaussianNoise } from '../pictures/noise.ts';
import type { Components } from '../pipelines/components.ts';
import { listen } from '../pipelines/denoise.ts';
import type { Condition } from '../pipelines/guidance.ts';
import { planarPredict } from '../pipelines/planar-unet.ts';
import { RowsUNet } from '../pipelines/rows-unet.ts';
import type { Storage } from '../regions/features.ts';
import type { Recorded } from '../regions/feeds.ts';
import type { Mask } from '../regions/mask.ts';
import { activeFractions } from '../regions/plan.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import { bytesOf } from '../regions/store.ts';
import { float32 } from '../runtime/runtime.ts';

const TIMESTEP = 500;
const GUIDANCE = 7.5;
/** Streams of the noise that stands for inputs: a benchmark never runs on zeros. */
const STREAMS = { original: 0, edited: 1, text: 2, extra: 3 };

/** One U-Net run with guidance, made ready: what it costs, and how to do it again. */
export interface UNetStep {
  macs: number;
  loadSeconds: number;
  /** Bytes of recorded features that the run reads from; 0 for a dense one. */
  storeBytes: number;
  /** Share of the positions that are computed, level by level. */
  activeFraction: number[];
  /** Output [C, H, W]. */
  run(): Promise<Float32Array>;
}

/** Inputs that every case shares: a picture's noised latents, and the same with other values under the mask. */
export class StepInputs {
  readonly extent: Extent;
  readonly channels: number;
  readonly condition: Condition;
  readonly original: Float32Array;
  readonly edited: Float32Array;

  constructor(components: Components, size: { height: number; width: number }, mask?: Mask) {
    const { scale, latentChannels } = components.model.autoencoder;
    const network = components.network('unet');
    this.channels = latentChannels;
    this.extent = { height: size.height / scale, width: size.width / scale, batch: 2, tokens: 77 };
    const { height, width, batch, tokens } = this.extent;
    const noise = (stream: number, ...dims: number[]) =>
      float32(
        gaussianNoise(
          1,
          stream,
          dims.reduce((a, b) => a * b, 1),
        ),
        dims,
      );
    const extra: Condition['extra'] = {};
    let text: Condition['text'] | undefined;
    for (const [name, value] of network.inputs) {
      if (value.kind === 'tokens') text = noise(STREAMS.text, batch, tokens, value.channels);
      if (value.kind === 'vector' && name !== 'timestep')
        extra[name] = noise(STREAMS.extra, batch, value.channels);
    }
    if (!text) throw new Error('the U-Net takes no text');
    this.condition = { text, guidance: GUIDANCE, extra };
    this.original = noise(STREAMS.original, latentChannels, height, width).data;
    const other = noise(STREAMS.edited, latentChannels, height, width).data;
    const positions = height * width;
    this.edited = this.original.map((value, i) => (mask && !mask.data[i % positions] ? value : other[i]!));
  }
}

/** The planar network over everything. */
export async function denseStep(components: Components, inputs: StepInputs): Promise<UNetStep> {
  const { extent, channels, condition, edited } = inputs;
  const start = performance.now();
  const session = await components.session('unet');
  const loadSeconds = (performance.now() - start) / 1000;
  const dims = [channels, extent.height, extent.width];
  const predict = planarPredict(session, { timesteps: [TIMESTEP] }, dims, condition);
  return {
    macs: countMacs(components.network('unet'), extent).total,
    loadSeconds,
    storeBytes: 0,
    activeFraction: [],
    run: async () => {
      await listen();
      return predict(edited, 0);
    },
  };
}

/** The network in rows form over everything, or over the mask with features recorded from the original. */
export async function rowsStep(
  components: Components,
  inputs: StepInputs,
  options: { mask?: Mask; storage: Storage },
): Promise<UNetStep> {
  const { extent, channels, condition, original, edited } = inputs;
  const { height, width, batch, tokens } = extent;
  const foldUpsampling = RowsUNet.canFold(components.network('unet'), height, width);
  const start = performance.now();
  const unet = await components.rowsUNet({ foldUpsampling, storage: options.storage, statistics: 'any' });
  const loadSeconds = (performance.now() - start) / 1000;

  const dense = unet.dense(height, width, batch);
  const everywhere = dense.plan.levels[0]!.active;
  const region = options.mask ? unet.region(options.mask, batch) : dense;
  const at = region.plan.levels[0]!.active;
  const rows = toRows(edited, 1, channels, at);
  let recorded: Recorded | undefined;
  const base = new Float32Array(original.length);
  if (options.mask) {
    const sample = toRows(original, 1, channels, everywhere);
    const pass = await unet.run(dense, sample, TIMESTEP, condition, { features: true });
    recorded = unet.recorded(dense, pass);
    overPlanes(base, pass.output, 1, channels, everywhere);
  }
  return {
    macs: unet.macs(region, tokens),
    loadSeconds,
    storeBytes: recorded ? bytesOf(recorded) : 0,
    activeFraction: activeFractions(region.plan),
    run: async () => {
      await listen();
      const { output } = await unet.run(region, rows, TIMESTEP, condition, { recorded });
      const planes = base.slice();
      overPlanes(planes, output, 1, channels, at);
      return planes;
    },
  };
}
