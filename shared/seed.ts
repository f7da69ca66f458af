/** Seeds as people type them. */
const LARGEST = 2 ** 32 - 1;

/** The seed of a form field: undefined for an empty one (random), null for what is no seed. */
export function parseSeed(text: string): number | undefined | null {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return /^\d{1,10}$/.test(trimmed) && Number(trimmed) <= LARGEST ? Number(trimmed) : null;
}
