import {
  commands,
  type Disposable,
  EventEmitter,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  window,
  workspace,
} from 'vscode';
import type { InstalledModel } from '../../engine/models/catalogue.ts';
import { formatBytes } from '../../shared/units.ts';
import { registerCommands } from '../registerCommands.ts';
import { reportError } from '../report.ts';
import type { Services } from '../services.ts';
import { modelChanges } from './changes.ts';
import { isActive, isUsable, useModel } from './chosen.ts';
import { fetchWithConsent, modelsHere } from './fetch.ts';
import { labelOf, PURPOSES } from './items.ts';
import { askToRemove, ICONS } from './manage.ts';
import type { HubToken } from './token.ts';

const MODELS_VIEW = 'patchwork.modelsView';

/** The models of this machine in the side bar. */
export function registerModelsView({ log }: Services, token: HubToken): Disposable[] {
  const changed = new EventEmitter<void>();
  const provider: TreeDataProvider<InstalledModel> = {
    onDidChangeTreeData: changed.event,
    getChildren: async (row) => (row ? [] : await modelsHere(token)),
    getTreeItem: modelItem,
  };
  const view = window.createTreeView(MODELS_VIEW, { treeDataProvider: provider });
  const attempt = (task: (model: InstalledModel) => Promise<void>) => async (model?: InstalledModel) => {
    if (!model) return;
    await task(model).catch((error) => reportError(log, error));
    changed.fire();
  };
  return [
    view,
    changed,
    // Other programs download models too.
    view.onDidChangeVisibility(() => changed.fire()),
    modelChanges.event(() => changed.fire()),
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('patchwork')) changed.fire();
    }),
    ...registerCommands({
      'models.refresh': () => changed.fire(),
      'models.use': attempt(({ id, purpose }) => useModel(id, purpose)),
      'models.remove': attempt((model) => askToRemove(model, token)),
    }),
    /** For other features: downloads a model after asking. @returns its folder; undefined if the user refused */
    commands.registerCommand('patchwork.models.get', (id: string) => fetchWithConsent(id, token)),
  ];
}

function modelItem(model: InstalledModel): TreeItem {
  const { id, purpose, bytes, removable } = model;
  const item = new TreeItem(labelOf(model));
  const active = isActive(model);
  item.id = id;
  item.description = [PURPOSES[purpose], formatBytes(bytes), ...(active ? ['active'] : [])].join(' · ');
  item.iconPath = new ThemeIcon(active ? 'check' : ICONS[purpose]);
  item.contextValue = removable ? 'removableModel' : 'model';
  if (isUsable(purpose) && !active)
    item.command = { command: 'patchwork.models.use', title: 'Use', arguments: [model] };
  item.tooltip = model.folder;
  // Else a screen reader reads the tooltip.
  item.accessibilityInformation = { label: `${labelOf(model)}, ${item.description}` };
  return item;
}
