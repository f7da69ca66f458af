import { type Arithmetic, isFloat } from '../../../shared/api.ts';
import { countMacs } from '../../graph/macs.ts';
import { floats } from '../../graph/tensor.ts';
import { transposed } from '../../numbers.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import type { Features } from '../../regions/store.ts';
import type { BandOf, DenoisedBand } from '../bands/band-of.ts';
import { type Condition, conditionAt, guide } from '../condition.ts';
import type { Denoiser, Prediction, PredictOptions, Region, Whole } from '../denoiser.ts';
import { denoiserInputs, OUTPUT, withPlanes } from '../denoiser-inputs.ts';
import type { RowsOptions } from '../forms/form.ts';
import type { Plan } from '../plan.ts';
import { isDense } from './feeds.ts';
import { KeptFeatures, KeptRows, keptFrom } from './kept-features.ts';
import { FreshRows, PlanarPlan, RowsPlan, recordedOf } from './plans.ts';
import { sideBySide } from './side-by-side.ts';
import { steeredPlanes } from './steering.ts';
import { openBand } from './unet-bands.ts';
import type { EditingForms, UNetForms } from './unet-forms.ts';

/** A U-Net as a denoiser, in one precision and with one kind of attention. */
export class UNetDenoiser implements Denoiser {
  /** docs/measurements.md shows what more or fewer would give. */
  readonly ring = 1;
  readonly #forms: UNetForms;
  readonly #arithmetic: Arithmetic;
  readonly #change: Partial<RowsOptions>;

  /** `change` overrides options of the rows forms, for measurements. */
  constructor(forms: UNetForms, arithmetic: Arithmetic, change: Partial<RowsOptions> = {}) {
    this.#forms = forms;
    this.#arithmetic = arithmetic;
    this.#change = change;
  }

  async plan(what: Whole | Region, batch: number): Promise<PlanarPlan | RowsPlan> {
    if (what.of === 'region') return this.#regionPlan(what, batch);
    const { height, width, records } = what;
    if (records) {
      await this.#makeRoomToEdit();
      const unet = await (await this.#editing(what)).recording();
      return new RowsPlan(unet, unet.dense(height, width, batch), true);
    }
    const { precision, attention } = this.#arithmetic;
    if (!isFloat(precision) || attention === 'sampled' || (await this.#forms.rowsAreFaster())) {
      const unet = await this.#forms.drawing(what, this.#arithmetic);
      return new RowsPlan(unet, unet.dense(height, width, batch), true);
    }
    const count = (tokens: number) => countMacs(this.#forms.network, { height, width, batch, tokens });
    return new PlanarPlan(await this.#forms.planar(precision), [height, width], count);
  }

  async #regionPlan({ mask, ring }: Region, batch: number): Promise<RowsPlan> {
    await this.#makeRoomToEdit();
    const { editing, recording } = await this.#editing(mask);
    const region = editing.region(mask, batch, ring);
    // Only the form that records can also compute everything.
    return new RowsPlan(isDense(region.plan) ? await recording() : editing, region, false);
  }

  /** Frees the forms that only generate, before those that edit are loaded. */
  async #makeRoomToEdit(): Promise<void> {
    await this.#forms.free('planar', 'fresh');
  }

  #editing(extent: { height: number; width: number }): Promise<EditingForms> {
    return this.#forms.editing(extent, this.#arithmetic, this.#change);
  }

  async predict(
    plan: Plan,
    sample: Float32Array,
    timestep: number,
    whole: Condition,
    { seen, record = false }: PredictOptions = {},
  ): Promise<Prediction> {
    const condition = conditionAt(whole, timestep);
    if (plan instanceof PlanarPlan) {
      if (record) throw new Error('this form of the network cannot record');
      const all = withPlanes(sample, condition);
      const dims = [all.length / (plan.size[0] * plan.size[1]), ...plan.size];
      const steered = steeredPlanes(this.#forms.network, condition, timestep, all, plan.size);
      const outputs = await plan.program.run(denoiserInputs(all, dims, timestep, condition, steered), [
        OUTPUT,
      ]);
      return { output: guide(floats(outputs, OUTPUT), condition) };
    }
    if (!(plan instanceof RowsPlan)) throw new Error('the plan is of another denoiser');
    const { unet, region, positions } = plan;
    const rows = rowsOf(sample, plan, condition);
    if (unet.keepsFeatures)
      return keptPrediction(plan, sample.length, rows, timestep, condition, { seen, record });
    const recorded = seen === undefined ? undefined : recordedOf(seen);
    const pass = await unet.run(region, rows, timestep, condition, { recorded, features: record });
    const output = positions
      ? transposed(pass.output, region.rows)
      : planesOf(pass.output, plan, sample.length);
    if (!record) return { output };
    return { output, features: positions ? new FreshRows(pass.features) : unet.recorded(region, pass) };
  }

  async updated(seen: Features, plan: Plan, fresh: Features): Promise<Features> {
    if (plan instanceof RowsPlan && fresh instanceof KeptRows && seen instanceof KeptFeatures)
      return plan.unet.updatedKept(seen, plan.region, fresh.tensors);
    if (!(plan instanceof RowsPlan && fresh instanceof FreshRows))
      throw new Error('the features are of another denoiser');
    const pass = { output: new Float32Array(), features: fresh.tensors };
    return plan.unet.updated(recordedOf(seen), plan.region, pass);
  }

  /** Multiply–accumulates of one dense run. Loads nothing. */
  stepMacs({ height, width }: { height: number; width: number }, batch: number, tokens: number): number {
    const extent = { height, width, batch, tokens };
    return countMacs(this.#forms.network, extent, undefined, this.#arithmetic.attention).total;
  }

  band(what: BandOf, batch: number): Promise<DenoisedBand> {
    return openBand(this.#forms, this.#arithmetic.precision, what, batch);
  }
}

/** As `predict`, with features that stay on the device. */
async function keptPrediction(
  plan: RowsPlan,
  length: number,
  rows: Float32Array,
  timestep: number,
  condition: Condition,
  { seen, record = false }: PredictOptions,
): Promise<Prediction> {
  if (seen && !(seen instanceof KeptFeatures)) throw new Error('the features are of another denoiser');
  const { unet, region, positions } = plan;
  const pass = await unet.runKept(region, rows, timestep, condition, { recorded: seen, features: record });
  const output = positions ? transposed(pass.output, region.rows) : planesOf(pass.output, plan, length);
  if (!record) return { output };
  return { output, features: positions ? new KeptRows(pass.features) : keptFrom(pass.features) };
}

/** A plan's sample as rows [n, C] of the network, with the condition's planes as further channels. */
function rowsOf(sample: Float32Array, { region, positions }: RowsPlan, condition: Condition): Float32Array {
  const at = region.plan.levels[0]!.active;
  const { height, width } = region.plan.levels[0]!;
  if (!positions) {
    const all = withPlanes(sample, condition);
    return toRows(all, 1, all.length / (height * width), at);
  }
  const channels = sample.length / at.length;
  const own = transposed(sample, channels);
  const { planes } = condition;
  if (!planes) return own;
  const more = toRows(floats({ planes }, 'planes'), 1, planes.dims[0]!, at);
  return sideBySide(own, channels, more, planes.dims[0]!);
}

function planesOf(rows: Float32Array, { region }: RowsPlan, length: number): Float32Array {
  const at = region.plan.levels[0]!.active;
  const planes = new Float32Array(length);
  overPlanes(planes, rows, 1, rows.length / at.length, at);
  return planes;
}
