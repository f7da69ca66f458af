import { LIMITS } from './limits.ts';

/** How many seeds there are: 0 … 2³²−1. */
const COUNT = LIMITS.seed.max + 1;

/** What a seed may be, as a sentence without its full stop. */
export const SEED_RULE = `A seed is a whole number from ${LIMITS.seed.min} to ${LIMITS.seed.max}`;

/** The seed of a form field: undefined for an empty one or −1 (random, as in other tools), null for what is no seed. */
export function parseSeed(text: string): number | undefined | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed === '-1') return undefined;
  return /^\d{1,10}$/.test(trimmed) && Number(trimmed) <= LIMITS.seed.max ? Number(trimmed) : null;
}

export function randomSeed(): number {
  return Math.floor(Math.random() * COUNT);
}

/** `count` seeds that follow each other; after the largest comes 0. */
export function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (first + i) % COUNT);
}
