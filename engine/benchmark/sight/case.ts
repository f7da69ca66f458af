import type { MacCount } from '../../graph/macs.ts';
import type { Mask } from '../../regions/mask.ts';
import type { NamedCase } from '../variants.ts';
import type { SightSubject } from './subject.ts';

/** A way to compute a network that looks at pictures. Add a case as a file in `cases` and name it in `cases/index.ts`. */
export interface SightCase extends NamedCase {
  readonly part: 'encoder' | 'decoder';
  prepare(subject: SightSubject, settings: SightSettings): Promise<SightRun>;
}

interface SightSettings {
  precision: 'fp32' | 'int8';
  /** For a case that takes one: what has changed, at the encoder's size. */
  mask?: Mask;
}

/** One run made ready. */
interface SightRun {
  macs: MacCount;
  loadSeconds: number;
  /** Bytes of the record that a part is computed from. */
  storeBytes: number;
  /** Share of the positions that are computed, level by level from the picture's. */
  activeFraction: number[];
  /** The embedding [C, s, s], or masks. */
  run(): Promise<Float32Array>;
  release(): Promise<void>;
}
