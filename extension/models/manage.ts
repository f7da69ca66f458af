import {
  commands,
  type QuickInputButton,
  type QuickPickItem,
  QuickPickItemKind,
  ThemeIcon,
  window,
} from 'vscode';
import {
  CATALOGUE,
  catalogueEntry,
  type InstalledModel,
  type Purpose,
} from '../../engine/models/catalogue.ts';
import { DiffusionModel } from '../../engine/models/diffusion-model.ts';
import { removeModel } from '../../engine/models/installed.ts';
import { formatBytes } from '../../shared/units.ts';
import { confirmed, showInformation } from '../messages.ts';
import { messageText } from '../messageText.ts';
import type { Pace } from '../queue/pace.ts';
import { localPath, onThisComputer } from '../remote.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { modelChanges } from './changes.ts';
import { editingModel, forgetModel, settingOf, useModel } from './chosen.ts';
import { machineFacts } from './expected.ts';
import { fetchWithConsent, modelsHere, settingsWith } from './fetch.ts';
import { type ModelRow, modelRows } from './items.ts';
import type { HubToken } from './token.ts';

const REMOVE: QuickInputButton = { iconPath: new ThemeIcon('trash'), tooltip: 'Remove from This Machine' };
export const ICONS: Record<Purpose, string> = {
  edits: 'edit',
  pictures: 'sparkle',
  decoder: 'zap',
  lora: 'layers',
  selection: 'target',
  autoencoder: 'file-media',
  text: 'book',
  part: 'extensions',
  embedding: 'symbol-string',
  control: 'symbol-ruler',
  reference: 'references',
  upscaler: 'zoom-in',
};

type Item = QuickPickItem & { row: ModelRow };

/** The command: lists installed models and models to download, and performs the chosen action. */
export async function manageModels(services: Services, token: HubToken): Promise<void> {
  try {
    const chosen = await choose(token, services.pace);
    if (chosen) await act(chosen, token);
  } catch (error) {
    await reportError(services.log, error);
  }
}

type Choice = { row: ModelRow; remove: boolean };

async function choose(token: HubToken, pace: Pace): Promise<Choice | undefined> {
  const installed = await modelsHere(token);
  const used = settingOf('model');
  const measured = (id: string) => pace.seconds({ prompt: '', ...(id !== 'scenes' && { model: id }) });
  const pick = window.createQuickPick<Item>();
  pick.title = 'Manage Models';
  pick.placeholder = 'Choose a model, or download one';
  // Opened from a page, which may take the focus back.
  pick.ignoreFocusOut = true;
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  pick.items = modelRows(installed, CATALOGUE, {
    used,
    editing: editingModel(),
    machine: machineFacts(),
    measured,
  }).map(itemOf);
  return await new Promise((resolve) => {
    const finish = (choice?: Choice) => {
      resolve(choice);
      pick.hide();
    };
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      if (item) finish({ row: item.row, remove: false });
    });
    pick.onDidTriggerItemButton(({ item }) => finish({ row: item.row, remove: true }));
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

function itemOf(row: ModelRow): Item {
  switch (row.kind) {
    case 'heading':
      return { label: row.label, kind: QuickPickItemKind.Separator, row };
    case 'action':
      return { label: row.label, row };
    case 'entry': {
      const { label, description, detail } = shown(row);
      return { label, description, detail, iconPath: new ThemeIcon('cloud-download'), row };
    }
    case 'installed': {
      const { label, description, detail } = shown(row);
      return {
        label,
        description,
        detail,
        iconPath: new ThemeIcon(row.used ? 'check' : ICONS[row.model.purpose]),
        buttons: row.model.removable ? [REMOVE] : [],
        row,
      };
    }
  }
}

/** Names of models and folders come from their publishers, so they are untrusted. */
function shown({ label, description, detail }: Extract<ModelRow, { kind: 'entry' | 'installed' }>) {
  return {
    label: messageText(label, 200),
    description: messageText(description),
    detail: messageText(detail),
  };
}

async function act({ row, remove }: Choice, token: HubToken): Promise<void> {
  if (row.kind === 'installed' && remove) return await askToRemove(row.model, token);
  if (row.kind === 'installed') return await useModel(row.model.id, row.model.purpose);
  if (row.kind === 'entry') return await get(row.entry.id, row.entry.purpose, token);
  if (row.kind !== 'action') return;
  if (row.action === 'token') return await token.ask();
  if (row.action === 'folder') return await useFolder();
  if (row.action === 'file') return void (await commands.executeCommand('patchwork.useAsModel'));
  const id = await window.showInputBox({
    title: 'Other Hugging Face Model',
    prompt: 'A diffusers model, an autoencoder or a LoRA file: owner/name',
    placeHolder: 'stabilityai/sd-turbo',
    ignoreFocusOut: true,
  });
  if (id?.trim()) await get(id.trim(), undefined, token);
}

async function get(id: string, purpose: Purpose | undefined, token: HubToken): Promise<void> {
  if (!(await fetchWithConsent(id, token))) return;
  const installed = await modelsHere(token);
  const got = purpose ?? installed.find((model) => model.id === id.split('@')[0])?.purpose ?? 'pictures';
  // From now on it edits for its own model. Other models use it only if the user chooses it for them.
  if (got === 'edits')
    void showInformation(`${id} is installed, and edits what ${catalogueEntry(id)?.editsFor?.[0]} draws.`);
  else await useModel(id, got);
}

async function useFolder(): Promise<void> {
  const [folder] =
    (await window.showOpenDialog({
      ...onThisComputer(),
      title: 'Folder of a Diffusion Model',
      openLabel: 'Use',
      canSelectFiles: false,
      canSelectFolders: true,
    })) ?? [];
  if (!folder) return;
  // Refuses it here rather than at the next image.
  const place = localPath(folder);
  await DiffusionModel.open(place);
  await useModel(place, 'pictures');
}

export async function askToRemove(
  { id, purpose, bytes, folder }: InstalledModel,
  token: HubToken,
): Promise<void> {
  const detail = `${formatBytes(bytes)} in ${folder}. Other tools that use the Hugging Face cache lose it too.`;
  if (!(await confirmed(`Remove ${id} from this machine?`, 'Remove', { detail: [detail] }))) return;
  await removeModel(id, await settingsWith(token));
  await forgetModel(id, purpose);
  modelChanges.fire();
  void showInformation(`${id} was removed.`);
}
