/** The extension host's side of Patchwork. */
import { commands, type ExtensionContext, lm, window, workspace } from 'vscode';
import { engineProcess } from '../processes/engine/client.ts';
import type { Engine } from '../shared/api.ts';
import { BENCHMARK_TYPE, BenchmarkPanel } from './benchmark/panel.ts';
import { BenchmarkStore } from './benchmark/store.ts';
import { DenseSpeed } from './denseSpeed.ts';
import { registerPictureEditor } from './editor/provider.ts';
import { PromptHistory } from './history.ts';
import { LastEditor } from './lastEditor.ts';
import { manageModels } from './models/manage.ts';
import { HubToken } from './models/token.ts';
import { PictureStore } from './pictures.ts';
import { askPrompt } from './promptInput.ts';
import { reportError } from './report.ts';
import { withSettings } from './requests.ts';
import type { Services } from './services.ts';
import { featureMegabytes } from './settings.ts';
import { describeImage } from './sight/describeImage.ts';
import { selectObject } from './sight/selectObject.ts';
import { registerTools } from './tools/register.ts';
import { PictureView, VIEW_TYPE } from './view.ts';

let engine: Engine | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel('Patchwork', { log: true });
  engine = engineProcess({
    script: context.asAbsolutePath('dist/engine.mjs'),
    args: () => [String(featureMegabytes((name) => workspace.getConfiguration('patchwork').get(name)))],
    onLog: (line) => log.info(line),
  });
  const services: Services = {
    extensionUri: context.extensionUri,
    engine,
    pictures: new PictureStore(workspace.fs, context.globalStorageUri),
    benchmarks: new BenchmarkStore(workspace.fs, context.storageUri ?? context.globalStorageUri),
    history: new PromptHistory(context.globalState),
    denseSpeed: new DenseSpeed(context.globalState),
    lastEditor: new LastEditor(),
    log,
  };
  context.subscriptions.push(
    log,
    services.lastEditor,
    commands.registerCommand('patchwork.generateImage', (asked?: unknown) => generateImage(services, asked)),
    commands.registerCommand('patchwork.selectObject', (asked?: unknown) => selectObject(services, asked)),
    commands.registerCommand('patchwork.describeImage', (asked?: unknown) => describeImage(services, asked)),
    commands.registerCommand('patchwork.openBenchmark', () => BenchmarkPanel.open(services)),
    window.registerWebviewPanelSerializer(BENCHMARK_TYPE, {
      async deserializeWebviewPanel(panel, state) {
        BenchmarkPanel.restore(services, panel, state);
      },
    }),
    ...registerPictureEditor(services),
    commands.registerCommand('patchwork.manageModels', () =>
      manageModels(services, new HubToken(context.secrets)),
    ),
    window.registerWebviewPanelSerializer(VIEW_TYPE, {
      async deserializeWebviewPanel(panel, state) {
        await PictureView.restore(services, panel, state);
      },
    }),
  );
  // Editors that are made from VS Code may come without language models.
  if (typeof lm?.registerTool === 'function') {
    context.subscriptions.push(...registerTools(engine, context.globalStorageUri));
  }
  services.pictures.prune().catch((error: unknown) => log.warn(String(error)));
}

export async function deactivate(): Promise<void> {
  await engine?.dispose();
}

/** The command; keyboard shortcuts and other extensions may give `{ prompt, seed }`. */
async function generateImage(services: Services, asked: unknown): Promise<void> {
  const { prompt: given, seed } = (asked ?? {}) as { prompt?: unknown; seed?: unknown };
  const prompt = typeof given === 'string' && given.trim() ? given.trim() : await askPrompt(services.history);
  if (!prompt) return;
  try {
    const request = withSettings({ prompt, seed: typeof seed === 'number' ? seed : undefined });
    await PictureView.open(services).generate(request);
  } catch (error) {
    await reportError(services.log, error);
  }
}
