import { LIMITS } from './limits.ts';

/** Random seeds are 0 … 2³²−1, which other tools accept too. */
const RANDOM = 2 ** 32;

/** The rule for seeds, as a sentence without its full stop. */
export const SEED_RULE = `A seed is a whole number from ${LIMITS.seed.min} to ${LIMITS.seed.max}`;

/** The seed of a form field: undefined for an empty one or −1 (random, as in other tools), null for an invalid one. */
export function parseSeed(text: string): number | undefined | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === '-1') return undefined;
  return /^\d{1,16}$/.test(trimmed) && Number(trimmed) <= LIMITS.seed.max ? Number(trimmed) : null;
}

export function randomSeed(): number {
  return Math.floor(Math.random() * RANDOM);
}

/** `count` seeds that follow each other; after the largest comes 0. */
export function seedsFrom(first: number, count: number): number[] {
  const left = LIMITS.seed.max - first;
  return Array.from({ length: count }, (_, i) => (i <= left ? first + i : i - left - 1));
}
