import { type QuickPickItem, QuickPickItemKind, window, workspace } from 'vscode';
import { InputError } from '../../engine/errors.ts';
import { type NamedKind, namedFiles, rootsFor } from '../../engine/models/named-files.ts';
import { placeOfModel } from '../../engine/models/open.ts';
import { messageText } from '../messageText.ts';
import { modelFolders } from '../settings.ts';

/** How prompts name files of a kind. */
const KINDS: Record<NamedKind, { title: string; words: (name: string) => string }> = {
  embedding: { title: 'Embeddings', words: (name) => `embedding:${name}` },
  wildcard: { title: 'Wildcards', words: (name) => `__${name}__` },
  lora: { title: 'LoRA', words: (name) => `<lora:${name}:1>` },
};

/** Lets the user choose among the files that prompts for a model can name; returns its text for the prompt. */
export async function pickWord(model: string | undefined): Promise<string | undefined> {
  const folders = modelFolders((name) => workspace.getConfiguration('patchwork').get(name));
  const roots = rootsFor(await placeOfModel(model), folders);
  const items: (QuickPickItem & { words?: string })[] = [];
  for (const [kind, { title, words }] of Object.entries(KINDS)) {
    const names = shortestNames(await namedFiles(kind as NamedKind, roots));
    if (names.length > 0) items.push({ label: title, kind: QuickPickItemKind.Separator });
    for (const [name, file] of names)
      items.push({ label: messageText(name, 200), description: messageText(file), words: words(name) });
  }
  if (items.length === 0)
    throw new InputError(
      'No embeddings, wildcards or LoRA files were found beside the model or in the folders of patchwork.modelFolders.',
    );
  const options = {
    title: 'Insert into the Prompt',
    placeHolder: 'Choose what the prompt names',
    ignoreFocusOut: true,
  };
  return (await window.showQuickPick(items, options))?.words;
}

/** Each file once, by the shortest of its names, in order. */
function shortestNames(files: ReadonlyMap<string, string>): [name: string, file: string][] {
  const names = new Map<string, string>();
  for (const [name, file] of files) {
    const known = names.get(file);
    if (known === undefined || name.length < known.length) names.set(file, name);
  }
  return [...names]
    .map(([file, name]): [string, string] => [name, file])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
