/** Messages between the extension host and the benchmark panel. Nothing here uses vscode or the DOM. */
import type { BenchmarkProgress, BenchmarkReport } from '../api.ts';
import type { Failure } from '../viewProtocol.ts';

/** The contents of the panel's form; numbers as typed. */
export interface BenchmarkDraft {
  /** Empty for the embedded model, `folder`, or an architecture's name. */
  model: string;
  /** Path of the model folder. */
  folder: string;
  /** What EfficientViT's cases run: empty for the embedded segmenter, or an architecture's name. */
  segmenter: string;
  /** Single U-Net runs, or whole pictures. */
  scope: 'step' | 'whole';
  /** `512x512`, or empty for the model's own. */
  size: string;
  /** `sige`: the three masks of that paper. */
  maskKind: 'share' | 'drawn' | 'file' | 'sige';
  /** Percent of the picture. */
  share: string;
  /** Path of the mask's file. */
  maskFile: string;
  cases: string[];
  precisions: string[];
  /** Empty for the chosen one. */
  devices: string[];
  /** Numbers of workers for the cases that workers share: `2`, or several as `2, 4`. */
  workers: string;
  repeat: string;
  /** Threads of one network run; empty for the setting's. */
  threads: string;
  /** Steps of whole images; empty for the model's own. */
  steps: string;
  prompt: string;
  editPrompt: string;
  profile: boolean;
  isolate: boolean;
}

/** The initial form of a panel. */
export const FIRST_DRAFT: BenchmarkDraft = {
  model: '',
  folder: '',
  segmenter: '',
  scope: 'step',
  size: '',
  maskKind: 'share',
  share: '5',
  maskFile: '',
  cases: ['dense', 'sparse'],
  precisions: ['fp32'],
  devices: [],
  workers: '2',
  repeat: '5',
  threads: '',
  steps: '',
  prompt: 'a red house by a lake at sunset',
  editPrompt: 'a blue boat',
  profile: true,
  isolate: true,
};

/** The choices that the form offers. */
export interface Offers {
  stepCases: CaseOffer[];
  wholeCases: CaseOffer[];
  architectures: string[];
  segmenters: string[];
  precisions: string[];
  /** Devices that can be compared, with the names by which they are shown. */
  devices: { id: string; title: string }[];
  presets: PresetOffer[];
}

interface CaseOffer {
  name: string;
  masked: boolean;
  /** Runs on several workers. */
  shared?: boolean;
  /** It runs the segmenter. */
  looks: boolean;
}

export interface PresetOffer {
  id: string;
  title: string;
  /** What it runs, in one sentence. */
  description: string;
  /** What its button says. */
  action: string;
  /** What it puts into the form. */
  draft: Partial<BenchmarkDraft>;
  /** Absent until it is known. */
  cost?: RunCost;
}

/** The form that a preset fills in, whatever it contained. */
export function draftOf({ draft }: Pick<PresetOffer, 'draft'>): BenchmarkDraft {
  return { ...FIRST_DRAFT, ...draft };
}

/** What a run would cost. */
export interface RunCost {
  /** `about 20 s` */
  time?: string;
  /** Operations and memory, in sentences. */
  details: string[];
  /** Why it cannot be run. */
  problem?: string;
}

/** A finished run as it is kept. */
export interface StoredRun {
  id: string;
  report: BenchmarkReport;
  /** Its request, if the panel ran it: the same text for the same work. */
  asked?: string;
  /** What it took from beginning to end. */
  tookSeconds?: number;
}

/** A line of the list of runs. */
export type RunSummary = Pick<StoredRun, 'id' | 'asked' | 'tookSeconds'> &
  Pick<BenchmarkReport, 'date' | 'model' | 'width' | 'height' | 'steps' | 'guidance'>;

/** Multiply–accumulates of a network against the side of a square image, in pixels. */
export interface MacsCurve {
  title: string;
  points: { side: number; macs: number }[];
}

export interface BenchmarkRun extends Omit<BenchmarkProgress, 'stage'> {
  /** `wait` until the engine reports. */
  stage: BenchmarkProgress['stage'] | 'wait';
  cancelling: boolean;
  /** Seconds that are left, about, in the last stage. */
  remaining?: number;
}

/** All that the panel shows, except for the form, which the page owns, and the pictures' bytes. */
export interface BenchmarkState {
  offers: Offers;
  /** Newest first. */
  runs: RunSummary[];
  /** The runs that are compared, in the order of choosing. */
  shown: StoredRun[];
  /** Operations against resolution, once they were asked for. */
  curves?: MacsCurve[];
  /** What the form's run would cost. */
  cost: RunCost;
  /** What other work on the machine means for the times, as a sentence. */
  busy?: string;
  run?: BenchmarkRun;
  failure?: Failure;
  notice?: string;
}

export const EXPORT_FORMATS = ['json', 'csv', 'markdown'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

// Extension host → page

export type BenchmarkHostMessage =
  | { type: 'state'; state: BenchmarkState }
  /** Changes the contents of the form. */
  | { type: 'draft'; change: Partial<BenchmarkDraft> }
  | { type: 'picture'; run: string; name: string; png: Uint8Array<ArrayBuffer> };

// Page → extension host

export type BenchmarkPageMessage =
  | { type: 'ready' }
  /** The form has changed: its cost is wanted. `painted`: whether there is a mask on the canvas. */
  | { type: 'estimate'; draft: BenchmarkDraft; painted: boolean }
  /** `drawn`: the mask on the canvas as a PNG file. */
  | { type: 'run'; draft: BenchmarkDraft; drawn?: Uint8Array }
  | { type: 'cancel' }
  /** Asks for operations against resolution. */
  | { type: 'count' }
  | { type: 'show'; ids: string[] }
  | { type: 'delete'; id: string }
  /** Asks for the bytes of a picture. */
  | { type: 'fetch'; run: string; name: string }
  | { type: 'export'; format: ExportFormat }
  /** Adds a run from a JSON file, of this panel or of `patchwork bench`. */
  | { type: 'import' }
  /** Puts the table on the clipboard as Markdown. */
  | { type: 'copy' }
  | { type: 'pickModel' }
  | { type: 'pickMask' }
  | { type: 'showLog' }
  | { type: 'openSettings' };

/** What the page keeps over a reload of the window; read back by the extension host, which must not trust it. */
export interface SavedBenchmark {
  version: 1;
  draft: BenchmarkDraft;
  /** The drawn mask as a data URL, if there is one. */
  drawn?: string;
  shown: string[];
  /** Whether the whole form is shown. */
  customising?: boolean;
}
