import { unknownWarnings } from '../../engine/text/known-words.ts';

interface Outcome {
  changed: boolean;
  /** Of the run, in sentences. */
  warnings: readonly string[];
  model: string;
  prompt: string;
  /** What the model knows, where the page names the other words of the prompt below *Apply*. */
  words: readonly string[] | undefined;
}

/** What is said when an edit is done, without what stands on the page already. */
export function outcomeOf({ changed, warnings, model, prompt, words }: Outcome): string {
  const named = unknownWarnings(words, model, prompt);
  const others = warnings.filter((warning) => !named.includes(warning));
  return [changed ? 'Edit applied.' : 'The edit changed no pixel.', ...others].join(' ');
}
