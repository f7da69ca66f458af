import type {
  AttentionMode,
  CallOptions,
  Engine,
  Precision,
  Recipe,
  WorkerReport,
} from '../../../shared/api.ts';
import type { Raster } from '../../../shared/raster.ts';
import type { NamedCase } from '../variants.ts';

/** Input of all cases that time whole images. */
interface WholeTask {
  engine: Engine;
  /** The picture that is edited: pixels, as the editor gives them, or a file with transparency. */
  image: Uint8Array | Raster;
  /** Prompts of the image and of its edits. */
  prompt: string;
  editPrompt: string;
  width: number;
  height: number;
  /** Different in each round, so that only the image's own features are reused. */
  seed: number;
  model?: string;
  steps?: number;
  /** See `WholeSubject`. */
  stepPlan?: string | undefined;
  strength?: number;
  dilation?: number;
  threads?: number;
  /** Number of workers, for cases that use several. */
  workers: number;
  precision: Precision;
  attention?: AttentionMode;
  /** For a case that takes one. */
  mask?: Raster;
}

/** A call that makes a whole image. Add a case as a file in `cases` and name it in `cases/index.ts`. */
export interface WholeCase extends NamedCase {
  run(task: WholeTask, options: Pick<CallOptions<never>, 'signal'>): Promise<WholeOutcome>;
}

export interface WholeOutcome {
  /** Its file; empty where there are pixels. */
  picture: { png: Uint8Array };
  /** Of an edit, as the editor takes it. */
  pixels?: Raster;
  macs: number;
  stepSeconds: number[];
  recipe?: Pick<Recipe, 'stepPlan'>;
  /** For an edit; see `EditResult`. */
  activeFraction?: number[];
  /** Each worker's share, if there were several. */
  workers?: WorkerReport[];
}
