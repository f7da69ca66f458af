import { env, type QuickPickItem, QuickPickItemKind, ThemeIcon, Uri, window } from 'vscode';
import type { Purpose } from '../../engine/models/catalogue.ts';
import { formatBytes } from '../../shared/units.ts';
import { messageText } from '../messageText.ts';
import { localPath, onThisComputer } from '../remote.ts';
import { modelsHere } from './fetch.ts';
import { labelOf } from './items.ts';

/** Endings that the dialogues for models' files show. */
export const MODEL_ENDINGS = ['safetensors', 'sft', 'ckpt', 'pt', 'pth', 'bin', 'gguf'];

interface Asked {
  purpose: Purpose;
  /** Title of the list and the dialogue. */
  title: string;
  /** Its kind in a sentence: `an upscaler`. */
  what: string;
  /** Page with such models, which the last row opens. */
  source: string;
  /** Folders can be chosen too. */
  folders?: true;
}

type Item = QuickPickItem & { place?: string; action?: 'file' | 'folder' | 'source' };

/**
 * Lets the user choose a model of a kind: one that was found on this machine, a file, or a page with such models. The
 * chosen file, folder or name of the hub; undefined if none was chosen.
 */
export async function chooseModel(asked: Asked): Promise<string | undefined> {
  const here = (await modelsHere()).filter(({ purpose }) => purpose === asked.purpose);
  const none = `No ${asked.what.replace(/^an? /, '')} was found on this machine`;
  const chosen = await window.showQuickPick<Item>(
    [
      ...here.map((model) => ({
        label: messageText(labelOf(model), 200),
        description: formatBytes(model.bytes),
        detail: messageText(model.folder),
        place: model.id,
      })),
      ...(here.length > 0 ? [{ label: 'Others', kind: QuickPickItemKind.Separator }] : []),
      { label: 'A File on This Machine…', iconPath: new ThemeIcon('file'), action: 'file' as const },
      ...(asked.folders
        ? [
            {
              label: 'A Folder on This Machine…',
              iconPath: new ThemeIcon('folder'),
              action: 'folder' as const,
            },
          ]
        : []),
      {
        label: 'Where to Get One…',
        description: asked.source,
        iconPath: new ThemeIcon('link-external'),
        action: 'source' as const,
      },
    ],
    {
      title: asked.title,
      placeHolder: here.length > 0 ? `Choose ${asked.what}` : none,
      matchOnDetail: true,
      // Asked for in a page, which may take the focus back while the list opens.
      ignoreFocusOut: true,
    },
  );
  if (chosen?.action === 'source') await env.openExternal(Uri.parse(asked.source));
  if (chosen?.action === 'file' || chosen?.action === 'folder')
    return await byDialog(asked.title, chosen.action === 'folder');
  return chosen?.place;
}

async function byDialog(title: string, folder: boolean): Promise<string | undefined> {
  const [chosen] =
    (await window.showOpenDialog({
      ...onThisComputer(),
      title,
      openLabel: 'Use',
      canSelectFiles: !folder,
      canSelectFolders: folder,
      ...(!folder && { filters: { Models: MODEL_ENDINGS } }),
    })) ?? [];
  return chosen && localPath(chosen);
}
