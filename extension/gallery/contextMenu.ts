import type { Disposable } from 'vscode';
import { isAbort } from '../../engine/errors.ts';
import { IMAGE_ACTIONS, type ImageAction, type ImageContext } from '../../shared/imageActions.ts';
import { registerCommands } from '../registerCommands.ts';
import { ImageView, VIEW_TYPE } from '../view/view.ts';
import { GalleryPage } from './page.ts';

/** Actions with a command, `patchwork.image.ACTION`, in the context menu of images. */
const ACTIONS: readonly MenuAction[] = [...IMAGE_ACTIONS.filter((action) => action !== 'show'), 'copy'];
type MenuAction = Exclude<ImageAction, 'show'> | 'copy';

export function registerImageMenu(): Disposable[] {
  return ACTIONS.flatMap((action) =>
    registerCommands({ [`image.${action}`]: (asked?: unknown) => act(action, asked) }),
  );
}

async function act(action: MenuAction, asked: unknown): Promise<void> {
  const { webview, pictureIds: ids } = (asked ?? {}) as Partial<ImageContext & { webview: string }>;
  const page = webview === VIEW_TYPE ? ImageView.current : GalleryPage.of(webview ?? '');
  if (!page || !Array.isArray(ids) || ids.length === 0) return;
  try {
    if (action === 'copy') page.copy(ids[0]!);
    else await page.act(action, ids);
  } catch (error) {
    if (!isAbort(error)) page.fail(error);
  }
}
