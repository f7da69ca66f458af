import { type QuickPickItem, ThemeIcon, window } from 'vscode';
import type { PromptHistory } from './history.ts';

const FORGET = { iconPath: new ThemeIcon('close'), tooltip: 'Forget This Prompt' };

/** Asks for a prompt: typed, or one of the last ones. Undefined if the user left. */
export function askPrompt(
  history: PromptHistory,
  title = 'Generate Image',
  placeholder = 'What should the image show?',
): Promise<string | undefined> {
  const input = window.createQuickPick();
  input.title = title;
  input.placeholder = placeholder;
  input.matchOnDescription = false;
  const list = () => {
    input.items = items(input.value, history.prompts);
  };
  list();
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

/** The typed text comes first, so that Enter takes it; then the last prompts that match it. */
function items(typed: string, prompts: string[]): QuickPickItem[] {
  const value = typed.trim();
  const earlier = prompts
    .filter((prompt) => prompt !== value)
    .map((label) => ({ label, iconPath: new ThemeIcon('history'), buttons: [FORGET] }));
  if (!value) return earlier;
  return [
    { label: value, description: 'Enter to use it', iconPath: new ThemeIcon('sparkle'), alwaysShow: true },
    ...earlier,
  ];
}
