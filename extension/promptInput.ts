import { type QuickPickItem, ThemeIcon, type Uri, window } from 'vscode';
import type { Services } from './services.ts';
import { uriOf } from './storedUri.ts';

const FORGET = { iconPath: new ThemeIcon('close'), tooltip: 'Forget This Prompt' };

/**
 * Asks for a prompt: typed, or one of the last ones, each with the last image that was made from it. Undefined if the
 * user left.
 */
export function askPrompt(
  { history, gallery }: Pick<Services, 'history' | 'gallery'>,
  title = 'Generate Image',
  placeholder = 'What should the image show?',
): Promise<string | undefined> {
  let pictures: ReadonlyMap<string, Uri> = new Map();
  const input = window.createQuickPick();
  input.title = title;
  input.placeholder = placeholder;
  input.matchOnDescription = false;
  // A page that takes the focus loses nothing of what was typed.
  input.ignoreFocusOut = true;
  const list = () => {
    input.items = items(input.value, history.prompts, pictures);
  };
  list();
  // Whatever the gallery holds, the prompt can be typed at once.
  void picturesOf(gallery, history.prompts).then((found) => {
    pictures = found;
    const [active] = input.activeItems;
    list();
    input.activeItems = input.items.filter(({ label }) => label === active?.label);
  });
  input.onDidChangeValue(list);
  input.onDidTriggerItemButton(async ({ item }) => {
    await history.remove(item.label);
    list();
  });
  return new Promise((resolve) => {
    input.onDidAccept(() => {
      const prompt = (input.selectedItems[0]?.label ?? input.value).trim();
      if (!prompt) return;
      resolve(prompt);
      input.hide();
    });
    input.onDidHide(() => {
      resolve(undefined);
      input.dispose();
    });
    input.show();
  });
}

/** Small images of the gallery by the prompts that they were asked for with, the latest of each. */
async function picturesOf(
  gallery: Services['gallery'],
  prompts: readonly string[],
): Promise<Map<string, Uri>> {
  const pictures = new Map<string, Uri>();
  for (const { id, request } of await gallery.list())
    if (prompts.includes(request.prompt) && !pictures.has(request.prompt))
      pictures.set(request.prompt, uriOf(await gallery.thumbnail(id)));
  return pictures;
}

/** The typed text comes first, so that Enter takes it; then the last prompts that match it. */
function items(typed: string, prompts: string[], pictures: ReadonlyMap<string, Uri>): QuickPickItem[] {
  const value = typed.trim();
  const earlier = prompts
    .filter((prompt) => prompt !== value)
    .map((label) => ({
      label,
      iconPath: pictures.get(label) ?? new ThemeIcon('history'),
      buttons: [FORGET],
    }));
  if (!value) return earlier;
  return [
    { label: value, description: 'Enter to use it', iconPath: new ThemeIcon('sparkle'), alwaysShow: true },
    ...earlier,
  ];
}
