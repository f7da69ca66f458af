import { unknownWarnings } from '../../engine/text/known-words.ts';

interface Outcome {
  changed: boolean;
  /** Warnings of the run, in sentences. */
  warnings: readonly string[];
  model: string;
  prompt: string;
  /** All words that the model knows, if the page names unknown words of the prompt below *Apply*. */
  words: readonly string[] | undefined;
}

/** The message when an edit is done, without what the page already shows. */
export function outcomeOf({ changed, warnings, model, prompt, words }: Outcome): string {
  const named = unknownWarnings(words, model, prompt);
  const others = warnings.filter((warning) => !named.includes(warning));
  return [changed ? 'Edit applied.' : 'The edit changed no pixel.', ...others].join(' ');
}
