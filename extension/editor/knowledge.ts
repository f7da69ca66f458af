import type { EditorState } from '../../shared/editorProtocol.ts';
import { readsImages } from '../additions/adapter.ts';
import { usualModel } from '../additions/host.ts';
import { modelNear } from '../requests.ts';
import type { Services } from '../services.ts';
import { wordsOf } from '../view/facts.ts';
import type { PictureDocument } from './document.ts';

/**
 * What the user should know about the model before an edit: the words that it knows, if they are few, and whether the
 * file is unlike its training images; and which model reads the control layer where none is chosen.
 */
export async function knowledgeFor(
  { engine, lastModels }: Services,
  document: PictureDocument,
): Promise<Pick<EditorState, 'words' | 'foreign' | 'readsImages' | 'controlModel'>> {
  const asked = modelNear(document.uri);
  const [words, reads, controlModel = ''] = await Promise.all([
    wordsOf(asked),
    readsImages(asked),
    usualModel(lastModels, asked.model, 'controls'),
  ]);
  const known = { words, readsImages: reads, controlModel };
  if (!words) return { ...known, foreign: false };
  const { sure } = await engine.describe({ image: document.file });
  return { ...known, foreign: !sure };
}
