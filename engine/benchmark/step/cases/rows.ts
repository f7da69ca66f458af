import { countMacs } from '../../../graph/macs.ts';
import type { Components, EditingUNet } from '../../../pipelines/components.ts';
import type { Recorded } from '../../../regions/feeds.ts';
import { activeFractions } from '../../../regions/plan.ts';
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
      const { recording } = await components.editingUNet(inputs.extent, settings.precision);
      return { editing: await recording(), recording };
    }),
};

/** Rows of the mask only, with features recorded as edits record them. */
export const sparse: StepCase = {
  name: 'sparse',
  mode: 'sparse',
  masked: true,
  prepare: (components, inputs, settings) =>
    rowsRun(components, inputs, settings, () => components.editingUNet(inputs.extent, settings.precision)),
};

/** The same with features recorded as float32. */
export const sparseExact: StepCase = {
  name: 'sparse-exact',
  mode: 'sparse',
  masked: true,
  prepare: (components, inputs, settings) =>
    rowsRun(components, inputs, settings, async () => {
      const { recording } = await components.editingUNet(inputs.extent, settings.precision);
      const { options } = await recording();
      const unet = await components.rowsUNet({ ...options, storage: 'float32' }, settings.precision);
      return { editing: unet, recording: async () => unet };
    }),
};

/** The network in rows form over everything, or over the mask with features recorded from the original. */
async function rowsRun(
  components: Components,
  { extent, channels, condition, original }: StepInputs,
  { mask }: StepSettings,
  load: () => Promise<EditingUNet>,
): Promise<StepRun> {
  const { height, width, batch } = extent;
  const network = components.network('unet');
  const start = performance.now();
  const { editing: unet, recording } = await load();
  const loadSeconds = (performance.now() - start) / 1000;

  const everywhere = unet.dense(height, width, batch);
  const region = mask ? unet.region(mask, batch) : everywhere;
  const at = region.plan.levels[0]!.active;
  let recorded: Recorded | undefined;
  const base = new Float32Array(original.length);
  if (mask) {
    const all = everywhere.plan.levels[0]!.active;
    const sample = toRows(original, 1, channels, all);
    const recorder = await recording();
    const pass = await recorder.run(everywhere, sample, TIMESTEP, condition, { features: true });
    recorded = recorder.recorded(everywhere, pass);
    overPlanes(base, pass.output, 1, channels, all);
  }
  const active = region.plan.levels.map((level) => level.active.length);
  return {
    macs: countMacs(network, extent, active),
    loadSeconds,
    storeBytes: recorded ? bytesOf(recorded) : 0,
    activeFraction: activeFractions(region.plan),
    async run(sample) {
      const rows = toRows(sample, 1, channels, at);
      const { output } = await unet.run(region, rows, TIMESTEP, condition, { recorded });
      const planes = base.slice();
      overPlanes(planes, output, 1, channels, at);
      return planes;
    },
  };
}
