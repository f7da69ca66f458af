/** The extension host's side of Patchwork, wherever the host and the engine run. */
import path from 'node:path';
import {
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  lm,
  Uri,
  window,
  workspace,
} from 'vscode';
import type { DeviceId, Engine } from '../shared/api.ts';
import { shorten } from '../shared/names.ts';
import { KeptPictures } from './additions/keptPictures.ts';
import { LastModels } from './additions/lastModels.ts';
import { BENCHMARK_TYPE, BenchmarkPanel } from './benchmark/panel.ts';
import { BenchmarkStore } from './benchmark/store.ts';
import { DenseSpeed } from './denseSpeed.ts';
import { EditStore } from './editor/editStore.ts';
import { openEditorWithMask, registerPictureEditor } from './editor/provider.ts';
import { registerImageMenu } from './gallery/contextMenu.ts';
import { GALLERY_TYPE, GALLERY_VIEW, GalleryPage } from './gallery/page.ts';
import { Gallery } from './gallery/store.ts';
import { registerGetStarted } from './getStarted.ts';
import { HeadStart } from './headStart.ts';
import { PromptHistory } from './history.ts';
import { LastEditor } from './lastEditor.ts';
import { showWarning } from './messages.ts';
import { manageModels } from './models/manage.ts';
import { HubToken } from './models/token.ts';
import { useAsModel } from './models/useFile.ts';
import { registerModelsView } from './models/view.ts';
import { askPrompt } from './promptInput.ts';
import { EditPace } from './queue/editPace.ts';
import { EngineQueue } from './queue/engineQueue.ts';
import { Generator } from './queue/generator.ts';
import { RunLog } from './queue/interrupted.ts';
import { Pace } from './queue/pace.ts';
import { registerQueueView } from './queue/view.ts';
import { registerCommands } from './registerCommands.ts';
import { reportError } from './report.ts';
import type { Services } from './services.ts';
import type { SettingName } from './settingEntries.ts';
import { galleryBytes } from './settings.ts';
import { describeImage } from './sight/describeImage.ts';
import { selectObject } from './sight/selectObject.ts';
import { type EngineFacts, StatusBar } from './statusBar.ts';
import { registerTools } from './tools/register.ts';
import { upscaleImage } from './upscale/command.ts';
import { generateImages, startAgain } from './view/generate.ts';
import { runViews } from './view/runViews.ts';
import { useRecipeOf } from './view/useRecipe.ts';
import { ImageView, VIEW_TYPE } from './view/view.ts';
import { rememberMilestones } from './walkthrough.ts';

/** The machine below the extension. */
export interface Platform {
  log: LogOutputChannel;
  engine: Engine;
  /** The folder of the gallery. */
  images: string;
  /** The path by which files in a folder are reached, as agents' tools do; undefined if there is none. */
  pathOf: (folder: Uri) => string | undefined;
  facts: EngineFacts;
  /** See `Pace`. */
  firstSpeed?: number;
  /** The engine takes so long to load that it begins when a prompt is about to be typed. */
  loadsSlowly?: boolean;
  /** See `Services`. */
  devices: readonly DeviceId[];
  /** The command *Choose Device*. */
  chooseDevice: () => unknown;
  /** A file to open on the first start, with the walkthrough beside it. */
  welcome?: string;
}

/** Ends everything that runs. */
export type Ending = () => Promise<void>;

export function start(
  context: ExtensionContext,
  { log, engine, images, pathOf, devices, facts, firstSpeed, loadsSlowly, chooseDevice, welcome }: Platform,
): Ending {
  const services = createServices(context, { engine, images, log, devices, firstSpeed, loadsSlowly });
  const token = new HubToken(context.secrets);
  rememberMilestones(context.globalState);
  context.subscriptions.push(
    log,
    services.lastEditor,
    new StatusBar(services, facts),
    workspace.onDidChangeConfiguration((event) => {
      // The next call starts an engine on the new device.
      if (event.affectsConfiguration('patchwork.device')) void engine.dispose();
    }),
    ...registerCommands({
      generateImage: (asked?: unknown) => generateImage(services, asked),
      openView: () => {
        services.headStart.take();
        ImageView.show(services);
      },
      openGallery: () => GalleryPage.open(services),
      useRecipe: (asked?: unknown) => useRecipeOf(services, asked),
      selectObject: (asked?: unknown) => selectObject(services, asked, openEditorWithMask),
      describeImage: (asked?: unknown) => describeImage(services, asked),
      upscaleImage: (asked?: unknown) => upscaleImage(services, asked),
      openBenchmark: () => BenchmarkPanel.open(services),
      manageModels: () => manageModels(services, token),
      useAsModel: (asked?: unknown) => useAsModel(services, asked),
      chooseDevice,
      freeMemory: () => engine.dispose(),
    }),
    ...registerPages(services),
    ...registerPictureEditor(
      services,
      new EditStore(workspace.fs, Uri.joinPath(storageOf(context), 'edits')),
    ),
    ...registerImageMenu(),
    ...registerQueueView(services),
    ...registerModelsView(services, token),
    ...registerGetStarted(context, welcome),
  );
  // Editors derived from VS Code may lack language models.
  if (typeof lm?.registerTool === 'function') {
    const { engine } = services.generator;
    context.subscriptions.push(...registerTools({ engine, storage: context.globalStorageUri, pathOf }));
  }
  services.kept.tidy().catch((error: unknown) => log.warn(String(error)));
  services.gallery.tidy().catch((error: unknown) => log.warn(String(error)));
  offerInterrupted(services).catch((error: unknown) => log.warn(String(error)));
  return async () => {
    // Runs that end with the engine from now on count as interrupted.
    services.runs.close();
    await engine.dispose();
  };
}

function createServices(
  context: ExtensionContext,
  {
    engine,
    images,
    log,
    devices,
    firstSpeed,
    loadsSlowly = false,
  }: Pick<Platform, 'engine' | 'images' | 'log' | 'devices' | 'firstSpeed' | 'loadsSlowly'>,
): Services {
  const setting = (name: SettingName) => workspace.getConfiguration('patchwork').get(name);
  const pace = new Pace(context.globalState, firstSpeed);
  const queue = new EngineQueue(engine, pace);
  const parts = {
    queue,
    pace,
    log,
    kept: new KeptPictures(path.join(images, '..', 'kept')),
    gallery: new Gallery(images, () => galleryBytes(setting)),
    runs: new RunLog(context.workspaceState),
    history: new PromptHistory(context.globalState),
    editPace: new EditPace(context.globalState),
    denseSpeed: new DenseSpeed(context.globalState),
  };
  const services: Services = {
    ...parts,
    devices,
    extensionUri: context.extensionUri,
    engine: queue.engine,
    headStart: new HeadStart(parts, loadsSlowly),
    views: runViews(() => services),
    generator: new Generator(parts),
    benchmarks: new BenchmarkStore(workspace.fs, storageOf(context)),
    lastModels: new LastModels(context.globalState),
    lastEditor: new LastEditor(),
    memory: context.workspaceState,
  };
  return services;
}

/** The workspace's storage; the extension's own if no folder is open. */
function storageOf({ storageUri, globalStorageUri }: ExtensionContext): Uri {
  return storageUri ?? globalStorageUri;
}

/** The pages that VS Code fills: panels that it restores, and the gallery in the side bar. */
function registerPages(services: Services): Disposable[] {
  return [
    window.registerWebviewPanelSerializer(BENCHMARK_TYPE, {
      async deserializeWebviewPanel(panel, state) {
        BenchmarkPanel.restore(services, panel, state);
      },
    }),
    window.registerWebviewPanelSerializer(VIEW_TYPE, {
      async deserializeWebviewPanel(panel, state) {
        await ImageView.restore(services, panel, state);
      },
    }),
    window.registerWebviewPanelSerializer(GALLERY_TYPE, {
      async deserializeWebviewPanel(panel) {
        GalleryPage.fill(services, panel);
      },
    }),
    window.registerWebviewViewProvider(GALLERY_VIEW, {
      resolveWebviewView: (view) => GalleryPage.fillSideBar(services, view),
    }),
  ];
}

/** The command; keyboard shortcuts and other extensions may give `{ prompt, seed }`. */
async function generateImage(services: Services, asked: unknown): Promise<void> {
  const { prompt: given, seed } = (asked ?? {}) as { prompt?: unknown; seed?: unknown };
  services.headStart.take();
  const prompt = typeof given === 'string' && given.trim() ? given.trim() : await askPrompt(services);
  if (!prompt) return;
  try {
    await generateImages(services, { prompt, seed: typeof seed === 'number' ? seed : undefined });
  } catch (error) {
    await reportError(services.log, error);
  }
}

/** Milliseconds after the start within which VS Code has restored the view. */
const RESTORED = 3000;

/** Reports runs that the end of the last window interrupted; an open view reports them itself. */
async function offerInterrupted(services: Services): Promise<void> {
  const { runs } = services;
  if (runs.interrupted.length > 0) await new Promise((resolve) => setTimeout(resolve, RESTORED));
  const { interrupted } = runs;
  const [first] = interrupted;
  if (!first || ImageView.current) return;
  const [again, open] = ['Start Again', 'Show'];
  const sentence =
    interrupted.length === 1
      ? `Generating “${shorten(first.request.prompt, 60)}” was interrupted.`
      : `${interrupted.length} images were not finished when the window closed.`;
  const choice = await showWarning(sentence, ...(interrupted.length === 1 ? [again] : [open]));
  if (choice === open) ImageView.show(services);
  if (choice === again)
    await startAgain(services, first.id).catch((error) => reportError(services.log, error));
}
