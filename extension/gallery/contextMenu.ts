import { commands, type Disposable } from 'vscode';
import type { ImageAction, ImageContext } from '../../shared/imageActions.ts';
import { ImageView, VIEW_TYPE } from '../view/view.ts';
import { GalleryPage } from './page.ts';

/** Commands of the context menu of images; package.json says where each is shown. */
const COMMANDS: Record<string, ImageAction | 'copy'> = {
  'patchwork.image.save': 'save',
  'patchwork.image.saveAs': 'saveAs',
  'patchwork.image.edit': 'edit',
  'patchwork.image.insertLink': 'insertLink',
  'patchwork.image.copy': 'copy',
  'patchwork.image.copyPrompt': 'copyPrompt',
  'patchwork.image.copyRecipe': 'copyRecipe',
  'patchwork.image.useRecipe': 'useRecipe',
  'patchwork.image.reveal': 'reveal',
  'patchwork.image.delete': 'delete',
  'patchwork.image.restore': 'restore',
};

export function registerImageMenu(): Disposable[] {
  return Object.entries(COMMANDS).map(([command, action]) =>
    commands.registerCommand(command, async (asked?: unknown) => {
      const { webview, pictureIds: ids } = (asked ?? {}) as Partial<ImageContext & { webview: string }>;
      const page = webview === VIEW_TYPE ? ImageView.current : GalleryPage.of(webview ?? '');
      if (!page || !Array.isArray(ids) || ids.length === 0) return;
      try {
        if (action === 'copy') page.copy(ids[0]!);
        else await page.act(action, ids);
      } catch (error) {
        page.fail(error);
      }
    }),
  );
}
