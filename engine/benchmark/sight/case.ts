import type { Mask } from '../../regions/mask.ts';
import type { Cost } from '../trial.ts';
import type { NamedCase } from '../variants.ts';
import type { SightSubject } from './subject.ts';

/** A way to run an image encoder or mask decoder. Add a case as a file in `cases` and name it in `cases/index.ts`. */
export interface SightCase extends NamedCase {
  readonly part: 'encoder' | 'decoder';
  prepare(subject: SightSubject, settings: SightSettings): Promise<SightRun>;
}

interface SightSettings {
  precision: 'fp32' | 'int8';
  /** Mask of what has changed, at the encoder's size, for cases that take one. */
  mask?: Mask;
}

/** A prepared run. */
interface SightRun {
  cost: Cost;
  loadSeconds: number;
  /** The embedding [C, s, s], or masks. */
  run(): Promise<Float32Array>;
  release(): Promise<void>;
}
