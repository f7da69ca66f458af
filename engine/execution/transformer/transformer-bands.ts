import { InputError } from '../../errors.ts';
import { dilate } from '../../regions/mask.ts';
import { planLevels } from '../../regions/plan.ts';
import { takeRows, toRows } from '../../regions/rows.ts';
import type { BandOf, BandOutput, BandStep, DenoisedBand } from '../bands/band-of.ts';
import { bandCount, bandMasks } from '../bands/bands.ts';
import type { Mailbox } from '../bands/mailbox.ts';
import { batchOf } from '../condition.ts';
import { denoiserInputs } from '../denoiser-inputs.ts';
import { TokenBand } from './token-band.ts';
import { planTokens } from './token-plan.ts';
import type { Feeds, TokensNetwork } from './tokens-network.ts';
import { FreshTokens, recordedOf, TokensPlan } from './tokens-plan.ts';

/**
 * A worker's share of a transformer's image. `network` keeps features as float32.
 * @throws InputError for an edit that several workers would divide
 */
export function openTokenBand(network: TokensNetwork, what: BandOf, batch: number): DenoisedBand {
  if (!what.edit) return pictureBand(network, what, batch);
  if (bandCount(what.bands) > 1)
    throw new InputError('Several workers cannot share an edit of this kind of model: use one worker.', {
      setting: 'workers',
    });
  return wholeEdit(network, what.edit, batch);
}

function pictureBand(network: TokensNetwork, what: BandOf, batch: number): DenoisedBand {
  const { bands, index, mode, coding } = what;
  const unit = new TokenBand(network, { bands, index, batch, mode, coding });
  // Callers expect rows in the order of a region plan.
  const expected = planLevels([bandMasks(bands, index)[0]!]).levels[0]!.active;
  const everywhere = unit.everywhere.active;
  const among = (all: Int32Array) => {
    const rows = new Map([...all].map((position, row) => [position, row]));
    return expected.map((position) => rows.get(position)!);
  };
  const [ofAll, ofOwn] = [among(everywhere), among(unit.positions)];
  let posted: number | undefined;
  return {
    whole: new TokensPlan(network, unit.everywhere, batch, true),
    async step(call: BandStep, mailbox: Mailbox): Promise<BandOutput> {
      const { kind, step } = call;
      const isDense = kind === 'dense';
      if (!isDense && posted !== undefined) await unit.fetch(mailbox, posted);
      const inputs = inputsAt(call, isDense ? everywhere : unit.positions, everywhere.length);
      const begin = performance.now();
      const rows = await (isDense ? unit.dense(inputs) : unit.step(inputs));
      const runSeconds = (performance.now() - begin) / 1000;
      posted = undefined;
      if (!isDense) {
        await unit.post(mailbox, step);
        posted = step;
      }
      const all = isDense ? everywhere : unit.positions;
      const channels = rows.length / (batch * all.length);
      return { output: takeRows(rows, batch, channels, isDense ? ofAll : ofOwn), runSeconds };
    },
  };
}

/** An edit that one worker computes alone. */
function wholeEdit(
  network: TokensNetwork,
  { mask, ring }: NonNullable<BandOf['edit']>,
  batch: number,
): DenoisedBand {
  const tokens = planTokens(dilate(mask, ring), [], network.network.cell);
  const expected = planLevels([tokens.mask]).levels[0]!.active;
  const rowOf = new Map([...tokens.active].map((position, row) => [position, row]));
  const order = expected.map((position) => rowOf.get(position)!);
  return {
    whole: new TokensPlan(network, tokens, batch, false),
    async step(call: BandStep): Promise<BandOutput> {
      if (!call.seen) throw new Error('an edit came without the features of its picture');
      const inputs = inputsAt(call, tokens.active, mask.data.length);
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

/** Network inputs for the rows at some positions of a whole sample [C, size]. */
function inputsAt({ sample, timestep, condition }: BandStep, at: Int32Array, size: number): Feeds {
  const channels = sample.length / size;
  return denoiserInputs(toRows(sample, 1, channels, at), [at.length, channels], timestep, condition);
}
