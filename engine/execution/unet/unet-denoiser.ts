import { type Arithmetic, isFloat } from '../../../shared/api.ts';
import { countMacs } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import { floats, type Tensor } from '../../graph/tensor.ts';
import { transposed } from '../../numbers.ts';
import { featuresOf, levelCount } from '../../regions/features.ts';
import { recordedOf } from '../../regions/recorded.ts';
import { overPlanes, toRows } from '../../regions/rows.ts';
import type { Features } from '../../regions/store.ts';
import type { BandOf, DenoisedBand } from '../bands/band-of.ts';
import { type Condition, conditionAt, guide } from '../condition.ts';
import type { Denoiser, Depth, Prediction, PredictOptions, Region, Whole } from '../denoiser.ts';
import { denoiserInputs, OUTPUT, textLength, withPlanes } from '../denoiser-inputs.ts';
import type { RowsOptions } from '../forms/form.ts';
import type { Plan } from '../plan.ts';
import { isDense } from './feeds.ts';
import { KeptFeatures, KeptRows, keptFrom } from './kept-features.ts';
import { FreshRows, PlanarPlan, RowsPlan } from './plans.ts';
import { DEEP } from './shallow.ts';
import { sideBySide } from './side-by-side.ts';
import { steeredPlanes } from './steering.ts';
import { openBand } from './unet-bands.ts';
import type { EditingForms, UNetForms } from './unet-forms.ts';

/**
 * Multiply–accumulates of a run below which one thread is faster than two: 5 and 20 % of 256×256 with Scenes are, half of
 * 512×512 (3 billion) is not.
 */
const LITTLE = 1e9;

/** A U-Net as a denoiser, in one precision and with one kind of attention. */
export class UNetDenoiser implements Denoiser {
  /** docs/measurements.md shows what more or fewer would give. */
  readonly ring = 1;
  readonly reuses = true;
  readonly #forms: UNetForms;
  readonly #arithmetic: Arithmetic;
  readonly #change: Partial<RowsOptions>;

  /** `change` overrides options of the rows forms, for measurements. */
  constructor(forms: UNetForms, arithmetic: Arithmetic, change: Partial<RowsOptions> = {}) {
    this.#forms = forms;
    this.#arithmetic = arithmetic;
    this.#change = change;
  }

  get shallow(): Network {
    return this.#forms.shallow().network;
  }

  async plan(what: Whole | Region, batch: number): Promise<PlanarPlan | RowsPlan> {
    const forms = await this.#formsOf(what.depth);
    if (what.of === 'region') return this.#regionPlan(forms, what, batch);
    const { height, width, records } = what;
    if (records) {
      await forms.free('planar', 'fresh');
      const unet = await (await this.#editing(forms, what)).recording();
      return new RowsPlan(unet, unet.dense(height, width, batch, this.#levels), true);
    }
    const { precision, attention } = this.#arithmetic;
    if (!isFloat(precision) || attention === 'sampled' || (await forms.rowsAreFaster())) {
      const unet = await forms.drawing(what, this.#arithmetic);
      return new RowsPlan(unet, unet.dense(height, width, batch, this.#levels), true);
    }
    const count = (tokens: number) => countMacs(forms.network, { height, width, batch, tokens });
    const program = await forms.planar(precision);
    return new PlanarPlan(program, [height, width], count, forms.network);
  }

  async #regionPlan(forms: UNetForms, { mask, ring }: Region, batch: number): Promise<RowsPlan> {
    // Forms that only generate make room.
    await forms.free('planar', 'fresh');
    const { editing, recording } = await this.#editing(forms, mask);
    // Shallow runs compute the rows of full ones, so the plan is that of all levels.
    const region = editing.region(mask, batch, ring, this.#forms.network);
    // Only the form that records can also compute everything.
    if (isDense(region.plan)) return new RowsPlan(await recording(), region, false);
    const plan = new RowsPlan(editing, region, false);
    const isLittle = plan.macs(textLength(this.#forms.network)) < LITTLE;
    const single = isLittle && (await forms.inOneThread(mask, this.#arithmetic, this.#change));
    return single ? new RowsPlan(single, region, false) : plan;
  }

  async settle(size: { height: number; width: number }, expected?: boolean): Promise<void> {
    await this.#forms.loadInOneThread(size, this.#arithmetic, this.#change, expected);
  }

  get #levels(): number {
    return levelCount(featuresOf(this.#forms.network));
  }

  #editing(forms: UNetForms, extent: { height: number; width: number }): Promise<EditingForms> {
    return forms.editing(extent, this.#arithmetic, this.#change);
  }

  /** The forms for a depth. The plain network and the one that gives deep features make room for each other. */
  async #formsOf(depth: Depth | undefined): Promise<UNetForms> {
    const forms = this.#forms;
    if (depth === 'shallow') return forms.shallow();
    if (depth === 'giving') {
      await forms.freeAll();
      return forms.giving();
    }
    await forms.giving().freeAll();
    await forms.shallow().freeAll();
    return forms;
  }

  async predict(
    plan: Plan,
    sample: Float32Array,
    timestep: number,
    whole: Condition,
    { seen, record = false, deep }: PredictOptions = {},
  ): Promise<Prediction> {
    const condition = conditionAt(whole, timestep);
    if (plan instanceof PlanarPlan) {
      if (record) throw new Error('this form of the network cannot record');
      return planarPrediction(plan, sample, timestep, condition, deep);
    }
    if (!(plan instanceof RowsPlan)) throw new Error('the plan is of another denoiser');
    const { unet, region, positions } = plan;
    const rows = rowsOf(sample, plan, condition);
    if (unet.keepsFeatures)
      return keptPrediction(plan, sample.length, rows, timestep, condition, { seen, record, deep });
    const recorded = seen === undefined ? undefined : recordedOf(seen);
    const pass = await unet.run(region, rows, timestep, condition, { recorded, features: record, deep });
    const output = positions
      ? transposed(pass.output, region.rows)
      : planesOf(pass.output, plan, sample.length);
    const given = { output, ...(pass.deep && { deep: pass.deep }) };
    if (!record) return given;
    return { ...given, features: positions ? new FreshRows(pass.features) : unet.recorded(region, pass) };
  }

  async updated(seen: Features, plan: Plan, fresh: Features): Promise<Features> {
    if (plan instanceof RowsPlan && fresh instanceof KeptRows && seen instanceof KeptFeatures)
      return plan.unet.updatedKept(seen, plan.region, fresh.tensors);
    if (!(plan instanceof RowsPlan && fresh instanceof FreshRows))
      throw new Error('the features are of another denoiser');
    const pass = { output: new Float32Array(), features: fresh.tensors };
    return plan.unet.updated(recordedOf(seen), plan.region, pass);
  }

  stepMacs(
    { height, width }: { height: number; width: number },
    batch: number,
    tokens: number,
    depth?: Depth,
  ): number {
    const extent = { height, width, batch, tokens };
    const { network } = depth === 'shallow' ? this.#forms.shallow() : this.#forms;
    return countMacs(network, extent, undefined, this.#arithmetic.attention).total;
  }

  band(what: BandOf, batch: number): Promise<DenoisedBand> {
    return openBand(this.#forms, this.#arithmetic.precision, what, batch);
  }
}

async function planarPrediction(
  { program, size, network }: PlanarPlan,
  sample: Float32Array,
  timestep: number,
  condition: Condition,
  deep: Tensor | undefined,
): Promise<Prediction> {
  const all = withPlanes(sample, condition);
  const dims = [all.length / (size[0] * size[1]), ...size];
  const steered = steeredPlanes(network, condition, timestep, all, size);
  const given = { ...denoiserInputs(all, dims, timestep, condition, steered), ...(deep && { [DEEP]: deep }) };
  const inputs = Object.fromEntries(Object.entries(given).filter(([name]) => network.inputs.has(name)));
  const outputs = await program.run(inputs, [...network.outputs.keys()]);
  const output = guide(floats(outputs, OUTPUT), condition);
  return network.outputs.has(DEEP) ? { output, deep: outputs[DEEP] as Prediction['deep'] } : { output };
}

/** As `predict`, with features that stay on the device. */
async function keptPrediction(
  plan: RowsPlan,
  length: number,
  rows: Float32Array,
  timestep: number,
  condition: Condition,
  { seen, record = false, deep }: PredictOptions,
): Promise<Prediction> {
  if (seen && !(seen instanceof KeptFeatures)) throw new Error('the features are of another denoiser');
  const { unet, region, positions } = plan;
  const options = { recorded: seen, features: record, deep };
  const pass = await unet.runKept(region, rows, timestep, condition, options);
  const output = positions ? transposed(pass.output, region.rows) : planesOf(pass.output, plan, length);
  const given = { output, ...(pass.deep && { deep: pass.deep }) };
  if (!record) return given;
  return { ...given, features: positions ? new KeptRows(pass.features) : keptFrom(pass.features) };
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
