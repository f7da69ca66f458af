import type { LogOutputChannel, Memento, Uri } from 'vscode';
import type { DeviceId, Engine } from '../shared/api.ts';
import type { KeptPictures } from './additions/keptPictures.ts';
import type { LastModels } from './additions/lastModels.ts';
import type { BenchmarkStore } from './benchmark/store.ts';
import type { DenseSpeed } from './denseSpeed.ts';
import type { Gallery } from './gallery/store.ts';
import type { HeadStart } from './headStart.ts';
import type { PromptHistory } from './history.ts';
import type { LastEditor } from './lastEditor.ts';
import type { EditPace } from './queue/editPace.ts';
import type { EngineQueue } from './queue/engineQueue.ts';
import type { Generator } from './queue/generator.ts';
import type { RunLog } from './queue/interrupted.ts';
import type { Pace } from './queue/pace.ts';
import type { RunViews } from './view/runView.ts';

/** Objects that all features of the extension share. */
export interface Services {
  extensionUri: Uri;
  /** The engine behind `queue`, for callers that do not need the queue. */
  engine: Engine;
  queue: EngineQueue;
  /** Loads what an image needs while its prompt is typed. */
  headStart: HeadStart;
  /** Makes images that land in the gallery. */
  generator: Generator;
  /** Where images are shown as they are made. */
  views: RunViews;
  gallery: Gallery;
  /** Images that steer others, and those that are seen as prompts. */
  kept: KeptPictures;
  lastModels: LastModels;
  runs: RunLog;
  pace: Pace;
  editPace: EditPace;
  benchmarks: BenchmarkStore;
  /** Devices that benchmarks may compare; none where the engine starts no processes. */
  devices: readonly DeviceId[];
  history: PromptHistory;
  denseSpeed: DenseSpeed;
  lastEditor: LastEditor;
  /** State of this workspace. */
  memory: Memento;
  log: LogOutputChannel;
}
