import { InputError } from '../../errors.ts';
import { joined } from '../../numbers.ts';
import { dilate } from '../../regions/mask.ts';
import { planLevels } from '../../regions/plan.ts';
import { recordedOf } from '../../regions/recorded.ts';
import { takeRows, toRows } from '../../regions/rows.ts';
import type { BandOf, BandOutput, BandStep, DenoisedBand } from '../bands/band-of.ts';
import { bandCount, bandMasks } from '../bands/bands.ts';
import type { Mailbox } from '../bands/mailbox.ts';
import { batchOf, conditionAt } from '../condition.ts';
import { denoiserInputs } from '../denoiser-inputs.ts';
import { referenceRows } from './reference-rows.ts';
import { TokenBand } from './token-band.ts';
import { type Grid, planTokens, type TokenPlan } from './token-plan.ts';
import type { Feeds, TokensNetwork } from './tokens-network.ts';
import { FreshTokens, TokensPlan } from './tokens-plan.ts';

/**
 * A worker's share of a transformer's image. `network` keeps features as float32.
 * @param references sizes of the images that are read beside its own
 * @throws InputError for an edit that several workers would divide
 */
export function openTokenBand(
  network: TokensNetwork,
  what: BandOf,
  batch: number,
  references: readonly Grid[] = [],
): DenoisedBand {
  if (!what.edit) return pictureBand(network, what, batch, references);
  if (bandCount(what.bands) > 1)
    throw new InputError('Several workers cannot share an edit of this kind of model: use one worker.', {
      setting: 'workers',
    });
  return wholeEdit(network, what.edit, batch, references);
}

function pictureBand(
  network: TokensNetwork,
  what: BandOf,
  batch: number,
  references: readonly Grid[],
): DenoisedBand {
  const { bands, index, mode, coding } = what;
  const unit = new TokenBand(network, { bands, index, batch, mode, coding, references });
  // Callers expect rows in the order of a region plan.
  const expected = planLevels([bandMasks(bands, index)[0]!]).levels[0]!.active;
  const size = bands.height * bands.width;
  const among = (all: Int32Array) => {
    const rows = new Map([...all].map((position, row) => [position, row]));
    return expected.map((position) => rows.get(position)!);
  };
  const [ofAll, ofOwn] = [among(unit.everywhere.active), among(unit.own.active)];
  let posted: number | undefined;
  return {
    whole: new TokensPlan(network, unit.everywhere, batch, true),
    async step(call: BandStep, mailbox: Mailbox): Promise<BandOutput> {
      const { kind, step } = call;
      const isDense = kind === 'dense';
      if (!isDense && posted !== undefined) await unit.fetch(mailbox, posted);
      const plan = isDense ? unit.everywhere : unit.own;
      const inputs = inputsAt(call, plan, size);
      const begin = performance.now();
      const rows = await (isDense ? unit.dense(inputs) : unit.step(inputs));
      const runSeconds = (performance.now() - begin) / 1000;
      posted = undefined;
      if (!isDense) {
        await unit.post(mailbox, step);
        posted = step;
      }
      const channels = rows.length / (batch * plan.active.length);
      return { output: takeRows(rows, batch, channels, isDense ? ofAll : ofOwn), runSeconds };
    },
  };
}

/** An edit that one worker computes alone. */
function wholeEdit(
  network: TokensNetwork,
  { mask, ring }: NonNullable<BandOf['edit']>,
  batch: number,
  references: readonly Grid[],
): DenoisedBand {
  const tokens = planTokens(dilate(mask, ring), references, network.network.cell);
  const expected = planLevels([tokens.mask]).levels[0]!.active;
  const rowOf = new Map([...tokens.active].map((position, row) => [position, row]));
  const order = expected.map((position) => rowOf.get(position)!);
  return {
    whole: new TokensPlan(network, tokens, batch, false),
    async step(call: BandStep): Promise<BandOutput> {
      if (!call.seen) throw new Error('an edit came without the features of its picture');
      const inputs = inputsAt(call, tokens, mask.data.length);
      const begin = performance.now();
      const options = { recorded: recordedOf(call.seen), features: true };
      const { output, features } = await network.pass(tokens, batchOf(call.condition), inputs, options);
      const runSeconds = (performance.now() - begin) / 1000;
      const channels = output.length / (batch * tokens.active.length);
      return {
        output: takeRows(output, batch, channels, order),
        runSeconds,
        features: new FreshTokens(features),
      };
    },
  };
}

/** Network inputs for the rows that a plan computes of a whole sample [C, size], and of the images beside it. */
function inputsAt(
  { sample, timestep, condition: schedule }: BandStep,
  { active, computed }: TokenPlan,
  size: number,
): Feeds {
  const condition = conditionAt(schedule, timestep);
  const channels = sample.length / size;
  const own = toRows(sample, 1, channels, active);
  const rows = computed.length > active.length ? joined([own, ...referenceRows(condition)]) : own;
  return denoiserInputs(rows, [computed.length, channels], timestep, condition);
}
