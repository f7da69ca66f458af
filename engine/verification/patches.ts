import { BandUNet } from '../execution/bands/band.ts';
import { bandCount, cutBands } from '../execution/bands/bands.ts';
import { memoryMailboxes } from '../execution/bands/mailbox.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import { levelCount } from '../regions/features.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import type { Checkpoint } from './checkpoint.ts';
import { conditionInputs } from './networks.ts';
import type { Comparison, Reference } from './reference.ts';

/** Step size of the reference's process: sample − STEP · output. */
const STEP = 0.1;

/**
 * Displaced patch parallelism: dense warm-up steps, then steps in which each band reads the other bands' features of
 * the step before. The process is sample(k + 1) = sample(k) − 0.1 · out(k); bands are computed one after another.
 */
export async function comparePatches(
  checkpoint: Checkpoint,
  expected: Reference,
  regions: Reference,
): Promise<Comparison[]> {
  if (!regions.has('patch.sample0')) return [];
  const unet = await checkpoint.bands();
  const { encoder_hidden_states: _, ...extra } = await conditionInputs(expected);
  const text = await regions.tensor('patch.encoder_hidden_states');
  const warmUp = Number(regions.metadata('warmup_steps'));
  const weights = new Array<number>(Number(regions.metadata('patches'))).fill(1);
  const start = await regions.tensor('patch.sample0');
  const [batch, channels, height, width] = start.dims as [number, number, number, number];
  const bands = cutBands({ height, width }, levelCount(unet.form(batch).features), weights, 'y');
  const mailboxes = memoryMailboxes(bandCount(bands));
  const units = mailboxes.map(
    (_, index) =>
      new BandUNet(unet, {
        bands,
        index,
        batch,
        mode: 'displaced',
        moments: 'corrected',
        coding: 'float32',
      }),
  );
  const comparisons: Comparison[] = [];
  let sample = start.data.slice();
  for (let step = 0; regions.has(`patch.out.${step}`); step++) {
    const timestep = Number((await regions.integers(`patch.timestep.${step}`))[0]);
    const inputsAt = (positions: Int32Array): Record<string, Tensor> => ({
      ...extra,
      sample: float32(toRows(sample, batch, channels, positions), [batch, positions.length, channels]),
      timestep: float32(Float32Array.of(timestep), [1, 1]),
      encoder_hidden_states: text,
    });
    const out = new Float32Array(sample.length);
    for (const [i, unit] of units.entries()) {
      if (step < warmUp) {
        const at = unit.everywhere;
        overPlanes(out, await unit.dense(inputsAt(at)), batch, channels, at);
        continue;
      }
      if (step > warmUp) await unit.fetch(mailboxes[i]!, step - 1);
      const at = unit.positions;
      overPlanes(out, await unit.step(inputsAt(at)), batch, channels, at);
    }
    for (const [i, unit] of units.entries()) await unit.post(mailboxes[i]!, step);
    comparisons.push(await regions.compare(`patch.out.${step}`, out));
    sample = sample.map((value, i) => value - STEP * out[i]!);
    if (regions.has(`patch.sample.${step + 1}`))
      comparisons.push(await regions.compare(`patch.sample.${step + 1}`, sample));
  }
  return comparisons;
}
