import type { AttentionMode, CallOptions, Engine, Precision, WorkerReport } from '../../../shared/api.ts';
import type { NamedCase } from '../variants.ts';

/** What every case of a benchmark of whole pictures has to do with. */
interface WholeTask {
  engine: Engine;
  /** The picture that is edited. */
  image: Uint8Array;
  /** What it shows, and what edits paint. */
  prompt: string;
  editPrompt: string;
  width: number;
  height: number;
  /** Changes from round to round, so that nothing but the picture's own features is reused. */
  seed: number;
  model?: string;
  steps?: number;
  strength?: number;
  dilation?: number;
  threads?: number;
  /** How many share the picture, for a case that several do. */
  workers: number;
  precision: Precision;
  attention?: AttentionMode;
  /** File bytes, for a case that takes a mask. */
  mask?: Uint8Array;
}

/** A way from the call to the picture. Add a case as a file in `cases` and name it in `cases/index.ts`. */
export interface WholeCase extends NamedCase {
  run(task: WholeTask, options: Pick<CallOptions<never>, 'signal'>): Promise<WholeOutcome>;
}

export interface WholeOutcome {
  picture: { png: Uint8Array };
  macs: number;
  stepSeconds: number[];
  /** Of an edit; see `EditResult`. */
  activeFraction?: number[];
  /** Who did what, where workers shared the picture. */
  workers?: WorkerReport[];
}
