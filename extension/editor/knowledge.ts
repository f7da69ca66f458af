import type { EditorState } from '../../shared/editorProtocol.ts';
import { modelNear } from '../requests.ts';
import type { Services } from '../services.ts';
import { wordsOf } from '../view/facts.ts';
import type { PictureDocument } from './document.ts';

/**
 * What the user should know about the model before an edit: the words that it knows, if they are few, and whether the
 * file is unlike its training images.
 */
export async function knowledgeFor(
  { engine }: Services,
  document: PictureDocument,
): Promise<Pick<EditorState, 'words' | 'foreign'>> {
  const words = await wordsOf({ model: modelNear(document.uri) });
  if (!words) return { words: undefined, foreign: false };
  const { sure } = await engine.describe({ image: document.file });
  return { words, foreign: !sure };
}
