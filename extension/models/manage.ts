import {
  ConfigurationTarget,
  commands,
  type QuickInputButton,
  type QuickPickItem,
  QuickPickItemKind,
  ThemeIcon,
  window,
  workspace,
} from 'vscode';
import {
  CATALOGUE,
  catalogueEntry,
  type InstalledModel,
  inpaintingTwin,
  type Purpose,
} from '../../engine/models/catalogue.ts';
import { DiffusionModel } from '../../engine/models/diffusion-model.ts';
import { removeModel } from '../../engine/models/installed.ts';
import { modelTitle } from '../../shared/modelTitle.ts';
import { formatBytes } from '../../shared/units.ts';
import { confirmed, showInformation } from '../messages.ts';
import { messageText } from '../messageText.ts';
import type { Pace } from '../queue/pace.ts';
import { localPath, onThisComputer } from '../remote.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
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

/** Whether choosing a model of this kind sets something. */
export function isUsable(purpose: Purpose): boolean {
  return ['pictures', 'decoder', 'lora', 'autoencoder', 'text'].includes(purpose);
}

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

/** The model that edits, if it is another one: the one of the setting, else the model's inpainting twin. */
function editingModel(): string {
  return settingOf('editModel') || (inpaintingTwin(settingOf('model')) ?? '');
}

function settingOf(name: 'model' | 'editModel'): string {
  return workspace.getConfiguration('patchwork').get<string>(name)?.trim() ?? '';
}

/** Whether the settings name this model. */
export function isActive({ id, folder, purpose }: InstalledModel): boolean {
  const settings = workspace.getConfiguration('patchwork');
  const model = settingOf('model');
  switch (purpose) {
    case 'edits':
      return [id, folder].includes(editingModel());
    case 'pictures':
      return model === id || model === folder || (model === '' && id === 'scenes');
    case 'lora':
      return id in (settings.get<object>('loras') ?? {});
    case 'decoder':
      return settings.get('decoder') === 'fast';
    case 'autoencoder':
      return settings.get<string>('vae')?.trim() === id;
    case 'text':
      return settings.get<string>('textEncoder')?.trim() === id;
    default:
      return false;
  }
}

/** Sets the model, and says so. */
export async function useModel(id: string, purpose: Purpose): Promise<void> {
  const settings = workspace.getConfiguration('patchwork');
  const set = (name: string, value: unknown) => settings.update(name, value, ConfigurationTarget.Global);
  switch (purpose) {
    case 'pictures':
      await set('model', id === 'scenes' ? undefined : id);
      break;
    case 'decoder':
      await set('decoder', 'fast');
      break;
    case 'edits':
      // Its own model's edits need no setting.
      await set('editModel', inpaintingTwin(settingOf('model')) === id ? undefined : id);
      break;
    case 'lora':
      await set('loras', { ...settings.inspect<object>('loras')?.globalValue, [id]: 1 });
      break;
    case 'autoencoder':
      await set('vae', id);
      break;
    case 'text':
      await set('textEncoder', id);
      break;
    default:
      break;
  }
  const title = modelTitle(id);
  const sentences: Record<Purpose, string> = {
    pictures: `Model set to ${title}.`,
    edits: `Images are edited with ${title}. The setting patchwork.editModel changes that.`,
    decoder: 'Images are decoded with the fast decoder. The setting patchwork.decoder changes that.',
    lora: `${title} is merged into the model. Its strength is in the setting patchwork.loras.`,
    selection: `${id} is installed.`,
    autoencoder: `${title} takes the place of the model's own autoencoder. The setting patchwork.vae changes that.`,
    text: `${title} takes the place of a model's own text encoder. The setting patchwork.textEncoder changes that.`,
    part: `${title} is used by the models that need it.`,
    embedding: `${title} is found by its name in prompts.`,
    control: `${title} is offered for control images.`,
    reference: `${title} is offered for reference images.`,
    upscaler: `${title} is offered for upscaling.`,
  };
  void showInformation(sentences[purpose]);
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

export async function askToRemove({ id, bytes, folder }: InstalledModel, token: HubToken): Promise<void> {
  const detail = `${formatBytes(bytes)} in ${folder}. Other tools that use the Hugging Face cache lose it too.`;
  if (!(await confirmed(`Remove ${id} from this machine?`, 'Remove', { detail: [detail] }))) return;
  await removeModel(id, await settingsWith(token));
  const settings = workspace.getConfiguration('patchwork');
  for (const name of ['model', 'editModel'])
    if (settings.get(name) === id) await settings.update(name, undefined, ConfigurationTarget.Global);
  void showInformation(`${id} was removed.`);
}
