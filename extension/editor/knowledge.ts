import type { EditorState } from '../../shared/editorProtocol.ts';
import { readsImages } from '../additions/adapter.ts';
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
): Promise<Pick<EditorState, 'words' | 'foreign' | 'readsImages'>> {
  const model = modelNear(document.uri);
  const [words, reads] = await Promise.all([wordsOf({ model }), readsImages(model)]);
  if (!words) return { words: undefined, foreign: false, readsImages: reads };
  const { sure } = await engine.describe({ image: document.file });
  return { words, foreign: !sure, readsImages: reads };
}
