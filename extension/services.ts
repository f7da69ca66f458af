import type { LogOutputChannel, Uri } from 'vscode';
import type { Engine } from '../shared/api.ts';
import type { BenchmarkStore } from './benchmark/store.ts';
import type { DenseSpeed } from './denseSpeed.ts';
import type { PromptHistory } from './history.ts';
import type { LastEditor } from './lastEditor.ts';
import type { PictureStore } from './pictures.ts';

/** What all features of the extension share. */
export interface Services {
  extensionUri: Uri;
  engine: Engine;
  pictures: PictureStore;
  benchmarks: BenchmarkStore;
  history: PromptHistory;
  denseSpeed: DenseSpeed;
  lastEditor: LastEditor;
  log: LogOutputChannel;
}
