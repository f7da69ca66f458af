/** Reads what the user typed into the editor's form. */
import { InputError } from '../../engine/errors.ts';
import type { EditDraft } from '../../shared/editorProtocol.ts';
import { parseSeed, randomSeed, SEED_RULE, seedsFrom } from '../../shared/seed.ts';

/** The seeds of an edit and its variations. @throws InputError if the text is not a seed */
export function seedsOf({ seed: typed, seedLocked }: EditDraft, count: number): number[] {
  const given = seedLocked ? parseSeed(typed) : undefined;
  if (given === null) throw new InputError(`${SEED_RULE}, not “${typed}”.`);
  // Seeds in a row, so that a variation can be found again from the first.
  return seedsFrom(given ?? randomSeed(), count);
}

/** A form with this seed, if its own would be one at random. */
export function withSeed(draft: EditDraft, seed: number): EditDraft {
  const isRandom = !draft.seedLocked || parseSeed(draft.seed) === undefined;
  return isRandom ? { ...draft, seed: String(seed), seedLocked: true } : draft;
}

/** @throws InputError if it is not a number of steps; the engine checks its bounds. */
export function stepsOf(typed: string): number | undefined {
  const trimmed = typed.trim();
  if (trimmed === '') return undefined;
  if (!/^\d{1,4}$/.test(trimmed)) throw new InputError(`Steps must be a whole number, not “${typed}”.`);
  return Number(trimmed);
}
