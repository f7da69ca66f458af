import { InputError } from '../errors.ts';
import { bandCount } from '../execution/bands/bands.ts';
import { memoryMailboxes } from '../execution/bands/mailbox.ts';
import { TokenBand } from '../execution/transformer/token-band.ts';
import { planTokens, type TokenPlan, wholeTokens } from '../execution/transformer/token-plan.ts';
import type { TokensNetwork } from '../execution/transformer/tokens-network.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import type { Recorded } from '../regions/recorded.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import type { Checkpoint } from './checkpoint.ts';
import { comparePlanes, joinRows, planesOf, type RowsOfReference, referenceOf } from './latent-rows.ts';
import type { Comparison, Reference } from './reference.ts';
import { column, timestepOf, transformerConditions } from './transformers.ts';

/**
 * Passes of a transformer over a part of the image: one pass is recorded, then each `edit.<name>.mask` computes its
 * positions of an edited sample, at a timestep and with a guidance of its own. `edit_reference`: the same with a
 * reference image.
 */
export async function compareTokenEdits(
  checkpoint: Checkpoint,
  expected: Reference,
  regions: Reference,
): Promise<Comparison[]> {
  return [
    ...(await compareEditsOf('edit', checkpoint, expected, regions)),
    ...(await compareEditsOf('edit_reference', checkpoint, expected, regions)),
  ];
}

async function compareEditsOf(
  group: string,
  checkpoint: Checkpoint,
  expected: Reference,
  regions: Reference,
): Promise<Comparison[]> {
  const masks = new RegExp(`^${group}\\.(\\w+)\\.mask$`);
  const edits = [...regions.names()].flatMap((name) => masks.exec(name)?.[1] ?? []);
  if (edits.length === 0) return [];
  const network = await checkpoint.tokens();
  const places = `${group}.img_ids`;
  const sample = await planesOf(regions, `${group}.sample_original`, places);
  const [batch, , height, width] = sample.dims as [number, number, number, number];
  const image = `${group}.image_latents`;
  const reference = regions.has(image) ? await referenceOf(regions, image, places) : undefined;
  const conditions = async (prefix: string, which: string) => ({
    ...(await transformerConditions(expected, regions, prefix, which)),
    timestep: await timestepOf(regions, `${prefix}.timestep`, expected),
  });
  const plan = wholeTokens(height, width, reference?.grids);
  const original = await run(network, plan, sample, await conditions(group, '_original'), { reference });
  const comparisons = [
    await comparePlanes(regions, `${group}.out_original`, float32(original.output, sample.dims)),
  ];
  const recorded = network.recorded(batch, original.features);
  for (const edit of edits) {
    const prefix = `${group}.${edit}`;
    const mask = regions.shape(`${prefix}.mask`);
    if (mask[0] !== height || mask[1] !== width)
      throw new InputError(`${regions.origin}: ${prefix}.mask is not a mask of the sample.`);
    const data = Uint8Array.from(await regions.integers(`${prefix}.mask`), (value) => Number(value !== 0n));
    const edited = await planesOf(regions, `${prefix}.sample_edited`, places);
    const part = planTokens({ height, width, data }, reference?.grids, network.network.cell);
    const { output } = await run(network, part, edited, await conditions(prefix, '_edited'), {
      reference,
      seen: { recorded, base: original.output },
    });
    comparisons.push(await comparePlanes(regions, `${prefix}.out`, float32(output, sample.dims)));
  }
  return comparisons;
}

/** The recorded pass that a part reads, and its output. */
interface Seen {
  recorded: Recorded;
  base: Float32Array;
}

/** A pass over [B, C, H, W], or over the positions of a plan, whose results are laid over `base`. */
async function run(
  network: TokensNetwork,
  plan: TokenPlan,
  sample: Tensor,
  inputs: Record<string, Tensor>,
  { reference, seen }: { reference?: RowsOfReference | undefined; seen?: Seen },
) {
  const [batch, channels, height, width] = sample.dims as [number, number, number, number];
  const { active, computed } = plan;
  const own = toRows(sample.data as Float32Array, batch, channels, active);
  const isWithRows = reference && computed.length > active.length;
  const rows = isWithRows ? joinRows(own, reference.rows, batch) : own;
  const pass = await network.pass(
    plan,
    batch,
    { ...inputs, sample: float32(rows, [batch, computed.length, channels]) },
    { ...(seen && { recorded: seen.recorded }), features: !seen },
  );
  const outChannels = pass.output.length / (batch * active.length);
  const output = seen?.base.slice() ?? new Float32Array(batch * outChannels * height * width);
  overPlanes(output, pass.output, batch, outChannels, active);
  return { output, features: pass.features };
}

/** Step size of the reference's process: sample − STEP · output. */
const STEP = 0.1;

/**
 * Displaced bands: dense warm-up steps, then steps in which each band reads the others as they were one step before. The
 * process is sample(k + 1) = sample(k) − 0.1 · out(k); bands are computed one after another.
 */
export async function compareTokenBands(
  checkpoint: Checkpoint,
  expected: Reference,
  regions: Reference,
): Promise<Comparison[]> {
  if (!regions.has('patch.sample0')) return [];
  const network = await checkpoint.tokens();
  const start = await regions.tensor('patch.sample0');
  const [batch, channels, height, width] = start.dims as [number, number, number, number];
  const edges = (regions.metadata('band_edges') ?? '').split(',').map(Number);
  const bands = { height, width, axis: 'y', edges: [edges] } as const;
  const mailboxes = memoryMailboxes(bandCount(bands));
  const units = mailboxes.map(
    (_, index) => new TokenBand(network, { bands, index, batch, mode: 'displaced', coding: 'float32' }),
  );
  const conditions = await transformerConditions(expected, regions, 'patch');
  const warmUp = Number(regions.metadata('warmup_steps'));
  const comparisons: Comparison[] = [];
  let sample = start.data.slice();
  for (let step = 0; regions.has(`patch.out.${step}`); step++) {
    const timestep = column(await regions.floats(`patch.timestep.${step}`));
    const out = new Float32Array(sample.length);
    for (const [i, unit] of units.entries()) {
      if (step > warmUp) await unit.fetch(mailboxes[i]!, step - 1);
      const isDense = step < warmUp;
      const at = isDense ? unit.everywhere.active : unit.own.active;
      const rows = float32(toRows(sample, batch, channels, at), [batch, at.length, channels]);
      const inputs = { ...conditions, timestep, sample: rows };
      overPlanes(out, await (isDense ? unit.dense(inputs) : unit.step(inputs)), batch, channels, at);
    }
    for (const [i, unit] of units.entries()) await unit.post(mailboxes[i]!, step);
    comparisons.push(await regions.compare(`patch.out.${step}`, out));
    sample = sample.map((value, i) => value - STEP * out[i]!);
    const next = `patch.sample.${step + 1}`;
    if (regions.has(next)) comparisons.push(await regions.compare(next, sample));
  }
  return comparisons;
}
