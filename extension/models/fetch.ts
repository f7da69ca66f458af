import { workspace } from 'vscode';
import { isAbort } from '../../engine/errors.ts';
import { describePlan, describeProgress } from '../../engine/hub/describe.ts';
import { type FetchPlan, fetchModel, modelHere, planFetch } from '../../engine/hub/fetch-model.ts';
import { type HubSettings, hubSettings } from '../../engine/hub/settings.ts';
import { catalogueEntry, type InstalledModel, wantedFor } from '../../engine/models/catalogue.ts';
import { installedModels } from '../../engine/models/installed.ts';
import { memorySentences } from '../../engine/pipelines/memory-sentence.ts';
import { confirmed, type Tell, withNotification } from '../messages.ts';
import { modelFolders } from '../settings.ts';
import { modelChanges } from './changes.ts';
import { machineFacts, refusalSentences } from './expected.ts';
import type { HubToken } from './token.ts';

/** The models on this machine, including the folders of other tools that the user has set. */
export async function modelsHere(token?: HubToken): Promise<InstalledModel[]> {
  const { cache } = token ? await settingsWith(token) : await hubSettings();
  const folders = modelFolders((name) => workspace.getConfiguration('patchwork').get(name));
  return await installedModels({ cache, folders });
}

/** The hub with the token that VS Code keeps; requests follow VS Code's proxy settings. */
export async function settingsWith(token: HubToken): Promise<HubSettings> {
  const kept = await token.get();
  return await hubSettings({ fetch: globalThis.fetch, ...(kept && { token: kept }) });
}

/**
 * Downloads a model after asking, with progress that can be cancelled. @returns its folder, or undefined if the user
 * refused
 */
export async function fetchWithConsent(name: string, token: HubToken): Promise<string | undefined> {
  const folder = await foundOrFetched(name, token);
  // Another program may have downloaded one that was found.
  if (folder) modelChanges.fire();
  return folder;
}

async function foundOrFetched(name: string, token: HubToken): Promise<string | undefined> {
  const settings = await settingsWith(token);
  const wanted = wantedFor(name);
  const found = await cancellable(
    `Looking for ${name} on this machine and on Hugging Face`,
    async (signal) =>
      (await modelHere(settings, wanted, signal)) ?? (await planFetch(settings, wanted, signal)),
  );
  if (typeof found !== 'object') return found;
  const plan = found;
  if (plan.missingBytes > 0 && !(await consent(name, plan))) return undefined;
  return await cancellable(`Downloading ${name}`, (signal, tell) =>
    fetchModel(settings, plan, {
      signal,
      onProgress: (progress) =>
        tell(describeProgress(progress), (100 * progress.bytes) / progress.totalBytes),
    }),
  );
}

async function consent(name: string, plan: FetchPlan): Promise<boolean> {
  const entry = catalogueEntry(name);
  const memory = entry ? [...memorySentences(entry), ...refusalSentences(entry, machineFacts())] : [];
  const detail = [...describePlan(plan), ...memory];
  return await confirmed(`Download ${name}?`, 'Download', { detail, harmless: true });
}

/** Runs a task with a notification that can cancel it; undefined when it was cancelled. */
async function cancellable<Result>(
  title: string,
  task: (signal: AbortSignal, tell: Tell) => Promise<Result>,
): Promise<Result | undefined> {
  return await withNotification(title, async (signal, tell) => {
    try {
      return await task(signal, tell);
    } catch (error) {
      if (isAbort(error)) return undefined;
      throw error;
    }
  });
}
