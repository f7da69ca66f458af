/** Actions on an image of the gallery, from the view, the gallery and their context menus. */

export const IMAGE_ACTIONS = [
  'show',
  'save',
  'saveAs',
  'edit',
  'insertLink',
  'copyPrompt',
  'copyRecipe',
  'useRecipe',
  'upscale',
  'reveal',
  'delete',
  'restore',
] as const;
export type ImageAction = (typeof IMAGE_ACTIONS)[number];

/** A sentence about a finished action, and the next possible action. */
export interface Notice {
  text: string;
  /** Title of a button. */
  action?: string;
}

/** What VS Code hands to a command of a page's context menu; the page writes it into `data-vscode-context`. */
export interface ImageContext {
  webviewSection: 'image' | 'deletedImage';
  pictureIds: string[];
  preventDefaultContextMenuItems: true;
}

export function imageContext(ids: readonly string[], deleted = false): string {
  const context: ImageContext = {
    webviewSection: deleted ? 'deletedImage' : 'image',
    pictureIds: [...ids],
    preventDefaultContextMenuItems: true,
  };
  return JSON.stringify(context);
}
