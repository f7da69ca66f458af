import type { Components, EditingUNet } from '../../../execution/components.ts';
import type { RowsUNet } from '../../../execution/rows-unet.ts';
import { countMacs } from '../../../graph/macs.ts';
import { activeFractions } from '../../../regions/plan.ts';
import type { Recorded } from '../../../regions/recorded.ts';
import { overPlanes, toRows } from '../../../regions/rows.ts';
import { bytesOf } from '../../../regions/store.ts';
import type { StepCase, StepRun, StepSettings } from '../case.ts';
import { type StepInputs, TIMESTEP } from '../inputs.ts';

/** The network in rows form over everything. */
export const rows: StepCase = {
  name: 'rows',
  mode: 'dense',
  masked: false,
  prepare: (components, inputs, settings) =>
    rowsRun(components, inputs, settings, async () => {
      const { recording } = await components.editingUNet(inputs.extent, settings.arithmetic);
      return { editing: await recording(), recording };
    }),
};

/** Rows of the mask only, with features recorded as edits record them. */
export const sparse: StepCase = {
  name: 'sparse',
  mode: 'sparse',
  masked: true,
  prepare: (components, inputs, settings) =>
    rowsRun(components, inputs, settings, () => components.editingUNet(inputs.extent, settings.arithmetic)),
};

/** The same with features recorded as float32. */
export const sparseExact: StepCase = {
  name: 'sparse-exact',
  mode: 'sparse',
  masked: true,
  prepare: (components, inputs, settings) =>
    rowsRun(components, inputs, settings, async () => {
      const { recording } = await components.editingUNet(inputs.extent, settings.arithmetic);
      const { options } = await recording();
      const unet = await components.rowsUNet(
        { ...options, storage: 'float32' },
        settings.arithmetic.precision,
      );
      return { editing: unet, recording: async () => unet };
    }),
};

/** The network in rows form over everything, or over the mask with features recorded from the original. */
async function rowsRun(
  components: Components,
  inputs: StepInputs,
  { mask }: StepSettings,
  load: () => Promise<EditingUNet>,
): Promise<StepRun> {
  const { extent, channels, condition } = inputs;
  const { height, width, batch } = extent;
  const network = components.network('denoiser');
  const start = performance.now();
  const { editing: unet, recording } = await load();
  const loadSeconds = (performance.now() - start) / 1000;

  const region = mask ? unet.region(mask, batch) : unet.dense(height, width, batch);
  const at = region.plan.levels[0]!.active;
  const active = region.plan.levels.map((level) => level.active.length);
  const whole = mask && (await recordedBy(await recording(), inputs));
  return {
    macs: countMacs(network, extent, active, unet.options.attention),
    loadSeconds,
    storeBytes: whole ? bytesOf(whole.recorded) : 0,
    activeFraction: activeFractions(region.plan),
    async run(sample) {
      const rows = toRows(sample, 1, channels, at);
      const options = { recorded: whole?.recorded };
      const { output } = await unet.run(region, rows, TIMESTEP, condition, options);
      const planes = whole ? whole.output.slice() : new Float32Array(sample.length);
      overPlanes(planes, output, 1, channels, at);
      return planes;
    },
  };
}

/** A pass over the whole original: its output [C, h, w], and its features; one for all masks. */
function recordedBy(
  unet: RowsUNet,
  inputs: StepInputs,
): Promise<{ output: Float32Array; recorded: Recorded }> {
  return inputs.once(unet, async () => {
    const { extent, channels, condition, original } = inputs;
    const everywhere = unet.dense(extent.height, extent.width, extent.batch);
    const at = everywhere.plan.levels[0]!.active;
    const rows = toRows(original, 1, channels, at);
    const pass = await unet.run(everywhere, rows, TIMESTEP, condition, { features: true });
    const output = new Float32Array(original.length);
    overPlanes(output, pass.output, 1, channels, at);
    return { output, recorded: unet.recorded(everywhere, pass) };
  });
}
