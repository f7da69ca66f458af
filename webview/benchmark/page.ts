import type {
  BenchmarkDraft,
  BenchmarkState,
  ExportFormat,
  PresetOffer,
} from '../../shared/benchmark/protocol.ts';
import type { CommonActions } from '../templates.ts';

/** Everything that the templates render. */
export interface Page {
  state: BenchmarkState;
  draft: BenchmarkDraft;
  /** Whether the whole form is shown. */
  customising: boolean;
  /** How the MACs chart is divided. */
  split: 'macsByKind' | 'macsByLevel';
  /** How many pictures have arrived: results are rendered again with each. */
  picturesCome: number;
  /** Takes the mask's canvas when it is drawn. */
  canvas: (element: Element | undefined) => void;
  /** Address of a run's picture, or undefined until its bytes have come. */
  picture: (run: string, name: string) => string | undefined;
}

export interface Actions extends CommonActions {
  edit(change: Partial<BenchmarkDraft>): void;
  /** Names in the order in which they are offered. */
  order(field: 'cases' | 'precisions' | 'devices', names: readonly string[]): string[];
  drawn(): void;
  clearMask(): void;
  pickModel(): void;
  pickMask(): void;
  run(draft: BenchmarkDraft): void;
  preset(preset: PresetOffer): void;
  /** Counts operations against resolution. */
  count(): void;
  customise(open: boolean): void;
  show(ids: string[]): void;
  remove(id: string): void;
  export(format: ExportFormat): void;
  copy(): void;
  import(): void;
  split(by: Page['split']): void;
}
