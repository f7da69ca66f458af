import { missingTwinWarning } from '../../engine/models/catalogue.ts';
import { unknownWarnings } from '../../engine/text/known-words.ts';

interface Outcome {
  changed: boolean;
  /** Warnings of the run, in sentences. */
  warnings: readonly string[];
  model: string;
  prompt: string;
  /** All words that the model knows, if the page names unknown words of the prompt below *Apply*. */
  words: readonly string[] | undefined;
  /** An inpainting model that would do better; the page offers it, if it is `offered` now. */
  missingTwin?: string;
  offered?: boolean;
}

/** The message when an edit is done, without what the page already shows. */
export function outcomeOf(outcome: Outcome): string {
  const { changed, warnings, model, prompt, words, missingTwin, offered } = outcome;
  const named = unknownWarnings(words, model, prompt);
  if (missingTwin) named.push(missingTwinWarning(model, missingTwin));
  const others = warnings.filter((warning) => !named.includes(warning));
  const offer = offered ? ['This model does not see the mask; one that does paints what fits into it.'] : [];
  return [changed ? 'Edit applied.' : 'The edit changed no pixel.', ...others, ...offer].join(' ');
}
