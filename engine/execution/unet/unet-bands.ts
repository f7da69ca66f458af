import { type FloatPrecision, isFloat, type Precision } from '../../../shared/api.ts';
import type { Network } from '../../graph/network.ts';
import { floats, type Tensor } from '../../graph/tensor.ts';
import { fullMask, pyramid } from '../../regions/mask.ts';
import { planLevels, type RegionPlan } from '../../regions/plan.ts';
import { recordedOf } from '../../regions/recorded.ts';
import { ringsOf } from '../../regions/rings.ts';
import { takeRows, toRows } from '../../regions/rows.ts';
import { BandUNet } from '../bands/band.ts';
import type { BandOf, BandOutput, BandStep, DenoisedBand } from '../bands/band-of.ts';
import { bandCount } from '../bands/bands.ts';
import { EditedBand } from '../bands/edited-band.ts';
import type { Mailbox } from '../bands/mailbox.ts';
import { batchOf, conditionAt } from '../condition.ts';
import { denoiserInputs, OUTPUT, withPlanes } from '../denoiser-inputs.ts';
import type { Plan } from '../plan.ts';
import { isDense } from './feeds.ts';
import { FreshRows, RowsPlan } from './plans.ts';
import { DEEP } from './shallow.ts';
import { steeredPlanes, steeredRows } from './steering.ts';
import type { UNetForms } from './unet-forms.ts';

/** A worker's share of an image, in the suitable form of the U-Net. Only small ones are loaded in several forms. */
export async function openBand(
  forms: UNetForms,
  precision: Precision,
  what: BandOf,
  batch: number,
): Promise<DenoisedBand> {
  if (what.edit) {
    await forms.free('planar', 'fresh', 'bands');
    return editedBand(forms, precision, what, what.edit, batch);
  }
  // The rows form, once it is loaded, serves jobs without other bands too.
  if (bandCount(what.bands) === 1 && isFloat(precision) && !forms.isLoaded('bands')) {
    await forms.free('any', 'recorded', 'fresh');
    return wholePicture(forms, precision, what);
  }
  await forms.free('planar', 'any', 'recorded', 'fresh');
  return pictureBand(forms, precision, what, batch);
}

/** The dense network, for a worker that has whole branches of guidance. */
async function wholePicture(
  forms: UNetForms,
  precision: FloatPrecision,
  { bands: { height, width }, shallow: reuses }: BandOf,
): Promise<DenoisedBand> {
  const full = reuses ? forms.giving() : forms;
  const programs = {
    full: await full.planar(precision),
    shallow: await shallowOf(forms, reuses)?.planar(precision),
  };
  let deep: Tensor | undefined;
  const { active } = planLevels([fullMask(height, width)]).levels[0]!;
  return {
    get whole(): Plan {
      throw new Error('a picture that is drawn whole has no part to update');
    },
    async step({ sample, timestep, condition: schedule, shallow = false }) {
      const condition = conditionAt(schedule, timestep);
      const all = withPlanes(sample, condition);
      const dims = [all.length / (height * width), height, width];
      const steered = steeredPlanes(forms.network, condition, timestep, all, [height, width]);
      const { network } = shallow ? forms.shallow() : full;
      const given = {
        ...denoiserInputs(all, dims, timestep, condition, steered),
        ...(deep && { [DEEP]: deep }),
      };
      const inputs = Object.fromEntries(Object.entries(given).filter(([name]) => network.inputs.has(name)));
      const begin = performance.now();
      const program = (shallow && programs.shallow) || programs.full;
      const outputs = await program.run(inputs, [...network.outputs.keys()]);
      const planes = floats(outputs, OUTPUT);
      deep = outputs[DEEP] ?? deep;
      const runSeconds = (performance.now() - begin) / 1000;
      const batch = batchOf(condition);
      return { output: toRows(planes, batch, planes.length / (batch * active.length), active), runSeconds };
    },
  };
}

/** A band of an image. */
async function pictureBand(
  forms: UNetForms,
  precision: Precision,
  { bands, index, mode, coding, shallow: reuses }: BandOf,
  batch: number,
): Promise<DenoisedBand> {
  const unet = await (reuses ? forms.giving() : forms).bands(bands, precision);
  const shallow = await shallowOf(forms, reuses)?.bands(bands, precision);
  const options = { bands, index, batch, mode, moments: 'mixed', coding } as const;
  const unit = new BandUNet(unet, { ...options, ...(shallow && { shallow }) });
  const whole = new RowsPlan(unet, unet.dense(bands.height, bands.width, batch), true);
  const own = unit.exchange.plan.levels[0]!.stored;
  let posted: number | undefined;
  return {
    whole,
    async step(call, mailbox) {
      const { kind, step, shallow = false } = call;
      const plan = kind === 'dense' ? whole.region.plan : unit.exchange.plan;
      const at = plan.levels[0]!.active;
      const inputs = inputsAt(call, plan, bands, unet.network);
      if (kind === 'band' && posted !== undefined) await unit.fetch(mailbox, posted);
      const begin = performance.now();
      const output = await (kind === 'dense' ? unit.dense(inputs, shallow) : unit.step(inputs, shallow));
      const runSeconds = (performance.now() - begin) / 1000;
      if (kind === 'dense') {
        posted = undefined;
        return { output: takeRows(output, batch, output.length / (batch * at.length), own), runSeconds };
      }
      await unit.post(mailbox, step);
      posted = step;
      return { output, runSeconds };
    },
  };
}

/** The forms for shallow steps, if there are any. */
function shallowOf(forms: UNetForms, reuses: boolean | undefined): UNetForms | undefined {
  return reuses ? forms.shallow() : undefined;
}

/** A band of the positions that an edit computes, with recorded features around it. */
async function editedBand(
  forms: UNetForms,
  precision: Precision,
  { bands, index, mode, coding }: BandOf,
  { mask, ring }: NonNullable<BandOf['edit']>,
  batch: number,
): Promise<DenoisedBand> {
  const { editing: part, recording } = await forms.editing(mask, { precision });
  const active = pyramid(mask, ringsOf(part.network, ring));
  // Only the form that records can also compute everything.
  const unet = isDense(planLevels(active)) ? await recording() : part;
  const unit = new EditedBand(unet, { bands, index, active, batch, mode, coding });
  const isAlone = unit.exchange.count === 1;
  const own = rowsIn(unit.everywhere, unit.positions);
  let posted: number | undefined;
  return {
    whole: new RowsPlan(unet, unit.whole, false),
    async step(call: BandStep, mailbox: Mailbox): Promise<BandOutput> {
      const { kind, step, seen } = call;
      if (!seen) throw new Error('an edit came without the features of its picture');
      const recorded = recordedOf(seen);
      const isWhole = kind === 'dense' || isAlone;
      const plan = isWhole ? unit.whole.plan : unit.exchange.plan;
      const at = plan.levels[0]!.active;
      const inputs = inputsAt(call, plan, bands, unet.network);
      if (!isWhole && posted !== undefined) await unit.fetch(mailbox, posted);
      const begin = performance.now();
      const pass = isWhole ? await unit.dense(inputs, recorded) : undefined;
      const output = pass?.output ?? (await unit.step(inputs, recorded));
      const runSeconds = (performance.now() - begin) / 1000;
      posted = undefined;
      if (pass) {
        const rows = takeRows(output, batch, output.length / (batch * at.length), own);
        return { output: rows, runSeconds, ...(isAlone && { features: new FreshRows(pass.features) }) };
      }
      await unit.post(mailbox, step);
      posted = step;
      return { output, runSeconds };
    },
  };
}

/** Network inputs for the active rows of a plan, of a whole sample. */
function inputsAt(
  { sample, timestep, condition: schedule }: BandStep,
  plan: RegionPlan,
  { height, width }: { height: number; width: number },
  network: Network,
) {
  const at = plan.levels[0]!.active;
  const condition = conditionAt(schedule, timestep);
  const all = withPlanes(sample, condition);
  const channels = all.length / (height * width);
  const rows = toRows(all, 1, channels, at);
  const steered = steeredRows(network, condition, timestep, rows, plan);
  return denoiserInputs(rows, [at.length, channels], timestep, condition, steered);
}

/** Indexes of some positions in a list that contains them. */
function rowsIn(all: Int32Array, some: Int32Array): Int32Array {
  const rows = new Map([...all].map((position, row) => [position, row]));
  return some.map((position) => rows.get(position)!);
}
