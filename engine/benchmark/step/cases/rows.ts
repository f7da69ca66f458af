import type { Components } from '../../../execution/components.ts';
import type { Denoiser } from '../../../execution/denoiser.ts';
import { putPositions, takePositions } from '../../../execution/latents.ts';
import type { Storage } from '../../../regions/features.ts';
import { bytesOf, type Features } from '../../../regions/store.ts';
import type { StepCase, StepRun, StepSettings } from '../case.ts';
import { type StepInputs, TIMESTEP } from '../inputs.ts';

/** The whole network in rows form. */
export const rows: StepCase = {
  name: 'rows',
  mode: 'dense',
  masked: false,
  prepare: (components, inputs, settings) => rowsRun(components, inputs, settings),
};

/** Only the rows of the mask, with features recorded as edits record them. */
export const sparse: StepCase = {
  name: 'sparse',
  mode: 'sparse',
  masked: true,
  prepare: (components, inputs, settings) => rowsRun(components, inputs, settings),
};

/** The same with features recorded in float32. */
export const sparseExact: StepCase = {
  name: 'sparse-exact',
  mode: 'sparse',
  masked: true,
  prepare: (components, inputs, settings) => rowsRun(components, inputs, settings, 'float32'),
};

/** The network in rows form: everything, or the masked part with features recorded from the original. */
async function rowsRun(
  components: Components,
  inputs: StepInputs,
  { mask, arithmetic }: StepSettings,
  storage?: Storage,
): Promise<StepRun> {
  const { extent, condition } = inputs;
  const { height, width, batch } = extent;
  const denoiser = components.denoiser(arithmetic, storage && { storage });
  const start = performance.now();
  const plan = mask
    ? await denoiser.plan({ of: 'region', mask, ring: 0 }, batch)
    : await denoiser.plan({ of: 'whole', height, width, records: true }, batch);
  const loadSeconds = (performance.now() - start) / 1000;
  const { positions, computed } = plan;
  const whole =
    positions &&
    (await recordedBy(denoiser, inputs, [arithmetic.precision, arithmetic.attention, storage].join(' ')));
  const size = height * width;
  return {
    cost: {
      macs: plan.count(extent.tokens),
      storeBytes: whole ? bytesOf(whole.features) : 0,
      activeFraction: computed.fractions,
    },
    loadSeconds,
    async run(sample) {
      if (!positions) return (await denoiser.predict(plan, sample, TIMESTEP, condition)).output;
      const seen = whole!.features;
      const part = takePositions(sample, size, positions);
      const { output } = await denoiser.predict(plan, part, TIMESTEP, condition, { seen });
      return putPositions(whole!.output, output, size, positions);
    },
  };
}

/** A pass over the whole original, shared by all masks: its output [C, h, w] and its features. */
function recordedBy(
  denoiser: Denoiser,
  inputs: StepInputs,
  form: string,
): Promise<{ output: Float32Array; features: Features }> {
  const { extent, condition, original } = inputs;
  const { height, width, batch } = extent;
  return inputs.once(form, async () => {
    const everywhere = await denoiser.plan({ of: 'whole', height, width, records: true }, batch);
    const options = { record: true };
    const { output, features } = await denoiser.predict(everywhere, original, TIMESTEP, condition, options);
    return { output, features: features! };
  });
}
