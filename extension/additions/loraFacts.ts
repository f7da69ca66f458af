import { openAdapter } from '../../engine/weights/lora.ts';
import { openTensors } from '../../engine/weights/tensor-file.ts';
import type { LoraFacts } from '../../shared/additions.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { plainText } from '../../shared/plainText.ts';

/** Most words that are offered for one file. */
const MOST_WORDS = 12;
const MAX_WORD = 80;

/** The metadata of a LoRA file. @param find the file of the name */
export async function loraFacts(lora: string, find: () => Promise<string>): Promise<LoraFacts> {
  try {
    const place = await find();
    await openAdapter(place, 1);
    const { metadata } = await openTensors(place);
    return { lora, words: triggerWords(metadata ?? {}) };
  } catch (error) {
    return { lora, words: [], problem: plainText(messageOf(error)) };
  }
}

/**
 * The words that bring out what a LoRA was trained on: those that its makers name (`modelspec.trigger_phrase` of the
 * Stability ModelSpec, `ss_trigger_words`), else the tags that its captions have most often (`ss_tag_frequency` of
 * kohya's scripts).
 */
export function triggerWords(metadata: Readonly<Record<string, string>>): string[] {
  const named = [metadata['modelspec.trigger_phrase'], metadata.ss_trigger_words, metadata.trigger_words]
    .filter((text) => typeof text === 'string')
    .flatMap((text) => text.split(/[,\n;]/));
  const words = named.some((word) => word.trim() !== '') ? named : frequentTags(metadata.ss_tag_frequency);
  const plain = words.map((word) => plainText(word.trim(), MAX_WORD)).filter((word) => word !== '');
  return [...new Set(plain)].slice(0, MOST_WORDS);
}

/** Tags by folder of training images: `{"10_cat": {"cat": 12, "sitting": 3}}`. */
function frequentTags(text: string | undefined): string[] {
  const counts = new Map<string, number>();
  for (const tags of Object.values(objectIn(text)))
    for (const [tag, count] of Object.entries(isObject(tags) ? tags : {}))
      if (typeof count === 'number' && count > 0) counts.set(tag, (counts.get(tag) ?? 0) + count);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([tag]) => tag);
}

function objectIn(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
