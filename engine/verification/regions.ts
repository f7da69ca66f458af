import { InputError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import { conditionInputs } from './networks.ts';
import type { Comparison, Reference } from './reference.ts';

/**
 * Passes over a part of the image: one pass is recorded, then each `edit.<name>.mask` computes its positions of an
 * edited sample. `expected` holds the conditions that both share (SDXL's).
 */
export async function compareEdits(
  checkpoint: Checkpoint,
  expected: Reference,
  regions: Reference,
): Promise<Comparison[]> {
  const edits = [...regions.names()].flatMap((name) => /^edit\.(\w+)\.mask$/.exec(name)?.[1] ?? []);
  if (edits.length === 0) return [];
  const rows = await checkpoint.rows();
  const { encoder_hidden_states: _, ...extra } = await conditionInputs(expected);
  const timestep = Number((await regions.integers('edit.timestep'))[0]);
  const textOf = async (which: string) => ({
    ...extra,
    encoder_hidden_states: await regions.tensor(`edit.encoder_hidden_states_${which}`),
  });
  const original = await rows.run({
    sample: await regions.tensor('edit.sample_original'),
    timestep,
    inputs: await textOf('original'),
  });
  const comparisons = [await regions.compare('edit.out_original', original.output)];
  for (const edit of edits) {
    const name = `edit.${edit}.mask`;
    const [height, width] = regions.shape(name);
    if (!height || !width) throw new InputError(`${regions.origin}: ${name} is not a mask.`);
    const data = Uint8Array.from(await regions.integers(name), (value) => Number(value !== 0n));
    const { output } = await rows.run({
      sample: await regions.tensor(`edit.${edit}.sample_edited`),
      timestep,
      inputs: await textOf('edited'),
      mask: { height, width, data },
      recorded: original.recorded,
      base: original.output,
    });
    comparisons.push(await regions.compare(`edit.${edit}.out`, output));
  }
  return comparisons;
}
