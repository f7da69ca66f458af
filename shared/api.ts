/**
 * The engine's only interface: the command line, the extension and the tests call it,
 * in their own process (`engine/engine.ts`) or through the engine process (`processes/engine/client.ts`).
 * Everything here survives structured clone.
 */

import type {
  CutOutRequest,
  CutOutResult,
  DescribeRequest,
  DescribeResult,
  FindObjectsProgress,
  FindObjectsRequest,
  FindObjectsResult,
  SegmentRequest,
  SegmentResult,
} from './api-sight.ts';
import type { Arithmetic } from './arithmetic.ts';
import type { BenchmarkProgress, BenchmarkRequest, BenchmarkResult } from './benchmark/report.ts';
import type { DeviceId } from './devices.ts';
import type { Area, Raster } from './raster.ts';
import type { DecoderChoice, RequestFields } from './requestFields.ts';
import type { SchedulerName, SigmaSpacing } from './schedulers.ts';
import type { Style } from './styles.ts';
import type { BusOptions, PatchOptions, WorkerReport } from './workers.ts';

export * from './api-sight.ts';
export * from './arithmetic.ts';
export type * from './benchmark/report.ts';
export * from './devices.ts';
export type * from './requestFields.ts';
export * from './schedulers.ts';
export * from './workers.ts';

/** A picture as file bytes (PNG). */
export interface EncodedPicture {
  png: Uint8Array;
  width: number;
  height: number;
}

/** A LoRA file that is merged into the model. */
export interface LoraChoice {
  /** A safetensors file, or a name of the hub that is on this machine. */
  lora: string;
  /** −4 … 4; 1 as its makers meant it. */
  strength: number;
}

/** What is drawn of a picture before it steers an image: its outlines. */
export const CONTROL_HINTS = ['canny', 'scribble'] as const;

/** An image file's bytes, or its pixels. */
export type ImageInput = Uint8Array | Raster;

/** A picture that steers an image, through a ControlNet or a T2I-Adapter. */
export interface ControlChoice<Image = ImageInput> {
  /** RGB. Brought to the image's size. */
  image: Image;
  /** `scenes-control`, a folder in the diffusers layout, a file, or a name of the hub that is on this machine. */
  model: string;
  /** 0 … 2; 1 if absent. */
  strength?: number;
  /** Shares of the steps between which it acts; 0 and 1 if absent. */
  start?: number;
  end?: number;
  /** More at coarse levels, and for the prompt's branch of guidance only. */
  guess?: boolean;
  /** The picture is taken as it is if absent. */
  hint?: (typeof CONTROL_HINTS)[number];
}

/** A picture that is seen as a prompt, beside the words. */
export interface ReferenceChoice<Image = ImageInput> {
  /** RGB. Its middle is seen, as a square. */
  image: Image;
  /** 0 … 2; 1 if absent. With words 0.5 to 0.8 is usual. */
  strength?: number;
  /** Grey: white where the result sees it. Everywhere if absent. */
  mask?: Image;
}

/** A prompt for a part of the image. */
export interface RegionChoice<Image = ImageInput> {
  /** What the region shows, in place of the prompt. Words may be weighted and change, as in the prompt. */
  prompt: string;
  /** Grey: white where it counts. Brought to the image's size; where regions overlap they count alike. */
  mask: Image;
}

/** What to draw. Everything but the prompt has a default, taken from the model if it has one. */
interface DrawingRequest<Image = ImageInput> extends RequestFields {
  /**
   * Words, and what the usual tools know: emphasis `(a:1.2)`, choices `{a|b}` and `__wildcard__`, words that change
   * `[a:b:0.5]`, `<lora:name:0.8>`, `embedding:name`, `BREAK`.
   */
  prompt: string;
  negativePrompt?: string;
  /** Adds its words to both prompts. */
  style?: Style;
  /**
   * A model folder in the diffusers layout, a checkpoint in one file, or a name of the hub that is on this machine; the
   * embedded model if absent.
   */
  model?: string;
  /**
   * The model that edits images of `model`: a folder or a name, as there. If absent the inpainting twin of `model`, if
   * it has one that is on this machine, else `model` itself.
   */
  editModel?: string;
  /** Another autoencoder: a file, a folder, or a model that has one. */
  vae?: string;
  /** Text encoders for a checkpoint in one file that has none: files, folders, or models that have them. */
  textEncoders?: string[];
  /** 0 … 2⁵³−1; drawn at random if absent. */
  seed?: number;
  loras?: LoraChoice[];
  controls?: ControlChoice<Image>[];
  references?: ReferenceChoice<Image>[];
  /** Prompts for parts of the image; elsewhere `prompt` counts. For U-Nets. */
  regions?: RegionChoice<Image>[];
  /** The IP-Adapter that reads references: a safetensors file in the layout of h94/IP-Adapter. */
  referenceModel?: string;
  /** The folder of its image encoder, if that is not beside it (`image_encoder`). */
  referenceEncoder?: string;
  /** Files of trained words (textual inversion) beside those that are found by name; see `modelFolders`. */
  embeddings?: string[];
  /**
   * Folders with the files that prompts name, in the layout of other tools: `loras`, `embeddings`, `wildcards`.
   * Those beside the model are always looked into.
   */
  modelFolders?: string[];
  /** Threads for one network run; 0 or absent: as many as there are physical cores. */
  threads?: number;
  /**
   * Workers that share the picture, 0 … 64; 0, 1 or absent: none. `threads` is then the share of each. With a bus: at
   * most this many, or all that are available.
   */
  workers?: number;
  /** Take workers from other machines. */
  bus?: BusOptions;
  patch?: PatchOptions;
  /** Send a preview with the progress reports (default true). */
  previews?: boolean;
  /** What each step computes, as a recipe says it (`shared/stepPlan.ts`), in place of a budget. */
  stepPlan?: string;
}

export interface GenerateRequest<Image = ImageInput> extends DrawingRequest<Image> {
  /** Pixels, 64 … 2048, a multiple of 8 or of more if the model's latents need it. */
  width?: number;
  height?: number;
  /**
   * Keep the features of this image, so that its first edit need not record them (default false). Without effect where
   * another model edits, as with Scenes: call `prepareEdit` there.
   */
  remember?: boolean;
}

export interface GenerateProgress {
  /**
   * `merge`: LoRA files are used with a model for the first time; `calibrate` and `quantize`: a model is used in a
   * precision for the first time. Their results are kept for later. `try`: a GPU is tried for the first time; `turn`: it
   * computes for another window or command, and this one waits.
   */
  stage: 'try' | 'turn' | 'load' | 'merge' | 'calibrate' | 'quantize' | 'encode' | 'denoise' | 'decode';
  /** Denoising steps finished, 0 … steps; in the first stages, their own steps. */
  step: number;
  steps: number;
  /** The picture as the model sees it after this step. */
  preview?: EncodedPicture;
}

/** Everything needed to make the same picture again; written into the PNG as `parameters`. */
export interface Recipe extends Arithmetic {
  /** With the words of the style. */
  prompt: string;
  negativePrompt: string;
  /** Name of the style whose words the prompts have. */
  style?: string;
  /** Name of the model's folder. */
  model: string;
  seed: number;
  steps: number;
  guidance: number;
  width: number;
  height: number;
  scheduler: SchedulerName;
  /** Absent: as the sampler's name and the model say. */
  sigmas?: SigmaSpacing;
  /** For an edit: see `EditRequest`. */
  strength?: number;
  maskOf?: string;
  /**
   * Share of the MACs of a full process with this many steps that was to be spent; absent: all. `scheduler`: that of the
   * full process, where the plan has another one.
   */
  budget?: { share: number; steps: number; scheduler?: SchedulerName };
  /** What each step computes, where not all compute everything; see `stepPlan.ts`. */
  stepPlan?: string;
  /** Absent: `own`. */
  decoder?: DecoderChoice;
  /** By name: the file's without folder and ending, or the hub's. */
  loras?: LoraChoice[];
  /** Absent: the model's own. */
  clipSkip?: number;
  /** Controls that steered the image, without their pictures; models by name. */
  steeredBy?: Omit<ControlChoice, 'image'>[];
  /** Which pictures were seen as prompts, without the pictures; the model by name. */
  referredTo?: { model: string; strength: number }[];
  /** Prompts of regions, without their masks. */
  regionPrompts?: string[];
}

export interface BudgetReport {
  asked: number;
  spent: number;
  /** For people. */
  plan: string;
}

export interface GenerateResult {
  /** PNG with the recipe in its text chunk. */
  picture: EncodedPicture;
  recipe: Recipe;
  /** Multiply–accumulates of the whole process: text encoder, every U-Net step, decoder. */
  macs: number;
  /** Wall time of the whole call, loading included. */
  seconds: number;
  /** Wall time spent loading the model; 0 when it was loaded already. */
  loadSeconds: number;
  /** Wall time of each computed step; steps that are forecast take none. */
  stepSeconds: number[];
  /** Where not all was spent: the share that was to be spent, the share that was, and by which means. */
  budget?: BudgetReport;
  /** Where its networks ran. */
  device?: DeviceId;
  /** Per-worker statistics, if several workers generated the image. */
  workers?: WorkerReport[];
  /** Sentences for the user, e.g. a prompt cut at the token limit. */
  warnings: string[];
}

export const EDIT_MODES = ['auto', 'sparse', 'dense'] as const;
/**
 * `sparse` computes only the masked part, reading the rest from features, which are recorded first if they are missing;
 * `dense` computes everything. `auto` is whichever of the two is expected to take less time.
 */
export type EditMode = (typeof EDIT_MODES)[number];

export const ZOOMS = ['auto', 'off'] as const;
/** `auto`: a small mask is edited in a window around it, enlarged to the model's own size; `off`: never. */
export type ZoomMode = (typeof ZOOMS)[number];

/** What to repaint. The size is the image's own. */
export interface EditRequest extends DrawingRequest {
  /** The image's file (PNG, JPEG, WebP or another format that can be read), or its pixels, RGB. */
  image: Uint8Array | Raster;
  /**
   * An image file, or its pixels, grey: white where the image will be repainted. Without it, and without `extend`: all
   * of it.
   */
  mask?: Uint8Array | Raster;
  /**
   * Colours that the edit begins with, painted over the image: a file in its size with transparency, or pixels, RGBA.
   * Without a mask what they cover is repainted, and a few pixels around it.
   */
  colours?: Uint8Array | Raster;
  /** Pixels by which the canvas grows at each side. The new part is painted; the result has the new size. */
  extend?: { left: number; top: number; right: number; bottom: number };
  /** Paints the surroundings over what is masked, which is grown by a few pixels. The prompt may be empty. */
  remove?: boolean;
  /**
   * The mask's greys blend the new with the old, and all that is not black is computed. Without it (the default) the
   * mask is cut at half grey. Such a mask must have the image's size.
   */
  softMask?: boolean;
  /** What the mask was made from, in words for the recipe: `object 1, a red house, grown by 8`. */
  maskOf?: string;
  /** Return the new image as `pixels` and not as a file. */
  raw?: boolean;
  /** How much of the old image is discarded under the mask: 0.05 (hardly anything) … 1 (all). */
  strength?: number;
  mode?: EditMode;
  /**
   * Latent positions around the mask that are computed with it but not painted: 0 … 16. More follows the dense edit
   * more closely.
   */
  dilation?: number;
  /** Whether small masks are edited enlarged, in more detail (default `off`). */
  zoom?: ZoomMode;
}

/** A part of a picture, and where its upper left corner is in it, in pixels. */
export interface PicturePart extends EncodedPicture {
  left: number;
  top: number;
}

export interface EditProgress extends Omit<GenerateProgress, 'stage' | 'preview'> {
  /** `record`: the picture's own features are computed, which later edits of it read. */
  stage: GenerateProgress['stage'] | 'record';
  /** The bounds of the mask, painted as far as the model sees it after this step. */
  preview?: PicturePart;
}

/** Which positions of one resolution level an edit computed. */
export interface ComputedLevel {
  /** Pixels of the picture along a position's side. */
  cell: number;
  /** Where the level's first position is in the picture, in pixels. */
  left: number;
  top: number;
  /** Positions along the sides. */
  width: number;
  height: number;
  /** One byte a position, row by row: 1 where it was computed. */
  positions: Uint8Array;
}

/**
 * A picture that will probably be edited: its features are recorded before the edit is requested. The settings of the
 * expected edits, beside mask and prompts, decide which features those are.
 */
export interface PrepareEditRequest extends Omit<EditRequest, UnexpectedOfEdit> {
  /** Bounds of the mask, in pixels of the picture: of a large one, and with `zoom`, they decide which part is edited. */
  masked?: Area;
}

type UnexpectedOfEdit =
  | 'mask'
  | 'colours'
  | 'softMask'
  | 'maskOf'
  | 'extend'
  | 'remove'
  | 'prompt'
  | 'regions'
  | 'mode'
  | 'dilation'
  | 'seed'
  | 'previews'
  | 'raw';

export interface PrepareEditResult {
  /** Edits of the picture need no recording now; false if memory is too short, or workers do the recording. */
  complete: boolean;
  recordedSteps: number;
  /**
   * The recipe of such an edit, how many of its steps are computed, and which share of the full process's MACs they take;
   * absent if workers compute.
   */
  recipe?: Recipe;
  editSteps?: number;
  spent?: number;
  /** Wall time of the whole call. */
  seconds: number;
}

export interface EditResult extends GenerateResult {
  /** The new image, [height, width, 3], if `raw` is set; the file in `picture` is then empty. */
  pixels?: Raster;
  /** How it was computed. */
  mode: Exclude<EditMode, 'auto'>;
  /** Share of the positions that were computed, level by level from the finest. */
  activeFraction: number[];
  /** Multiply–accumulates of the same edit when everything is computed. */
  denseMacs: number;
  /** The same as maps, from the finest level; none if everything is computed. */
  computed: ComputedLevel[];
  /** Steps whose features had to be recorded first, at the price of a dense step each; part of `macs`. */
  recordedSteps: number;
  /** Time of each of these steps, part of `seconds`; and their operations, part of `macs`. */
  recordSeconds: number[];
  recordingMacs: number;
  /** An inpainting model that would do better, but is not on this machine; the first such result also has a warning. */
  missingTwin?: string;
}

/** An image to make larger. */
export interface UpscaleRequest {
  /** The image's file, or its pixels, RGB. */
  image: Uint8Array | Raster;
  /** A file with a network of the ESRGAN family. */
  model: string;
  /** How many times larger each side becomes, 1 … 8; the network's own scale if absent. */
  scale?: number;
  /** See `GenerateRequest`. */
  threads?: number;
  /** Then repaints the larger image. */
  repaint?: RepaintRequest;
}

/** Detail that a model paints into a larger image, in tiles of the size for which it was made. */
export interface RepaintRequest<Image = ImageInput> extends DrawingRequest<Image> {
  /** See `EditRequest`; 0.2 to 0.4 keep what the image shows. */
  strength: number;
}

export interface UpscaleProgress {
  /** Stages of `generate` are those of the repaint. */
  stage: 'upscale' | GenerateProgress['stage'];
  /** Tiles done, of all; for a repaint, its steps. */
  step: number;
  steps: number;
}

export interface UpscaleResult {
  /** A file with the recipe of the given one. */
  picture: EncodedPicture;
  /** Name of the network. */
  model: string;
  scale: number;
  macs: number;
  seconds: number;
  /** Set if the image was repainted. */
  repaint?: { recipe: Recipe; strength: number; warnings: string[] };
}

/** The recorded features that the engine keeps, so that edits are cheap. */
export interface StoreReport {
  /** In main memory, and as much on a GPU. */
  budgetBytes: number;
  bytes: number;
  /** Of these, on a GPU. */
  deviceBytes: number;
  pictures: { picture: string; timesteps: number[]; bytes: number; deviceBytes: number }[];
}

export interface CallOptions<Progress> {
  onProgress?: (progress: Progress) => void;
  /** Aborting rejects with an `AbortError` within one step. */
  signal?: AbortSignal;
}

/** A call's types: what it takes, what it reports while it runs (`never`: nothing) and what it returns. */
interface CallTypes<Request, Progress, Result> {
  readonly types?: (request: Request, report: (progress: Progress) => void) => Result;
}

function call<Request, Progress, Result>(): CallTypes<Request, Progress, Result> {
  return {};
}

/**
 * The engine's calls. `Engine`, and the protocol between the engine process and its client, are derived from this
 * table.
 */
export const ENGINE_CALLS = {
  /** Draws an image from a prompt. */
  generate: call<GenerateRequest, GenerateProgress, GenerateResult>(),
  /** Repaints the masked part of an image; every pixel outside the mask stays as it is. */
  edit: call<EditRequest, EditProgress, EditResult>(),
  /** Records the features that edits of an image read, so that the first edit is as fast as later ones. */
  prepareEdit: call<PrepareEditRequest, EditProgress, PrepareEditResult>(),
  /** Turns a click, several, or a box into masks. */
  segment: call<SegmentRequest, never, SegmentResult>(),
  /** Finds the objects of an image by trying points all over it. */
  findObjects: call<FindObjectsRequest, FindObjectsProgress, FindObjectsResult>(),
  /** Makes everything transparent but what a mask covers, or the object at a place. */
  cutOut: call<CutOutRequest, never, CutOutResult>(),
  /** Puts an image, or an object in it, into words. */
  describe: call<DescribeRequest, never, DescribeResult>(),
  /** Makes an image larger. */
  upscale: call<UpscaleRequest, UpscaleProgress, UpscaleResult>(),
  /** Says what the feature store holds. */
  store: call<void, never, StoreReport>(),
  /** Times the same work done in several ways. */
  benchmark: call<BenchmarkRequest, BenchmarkProgress, BenchmarkResult>(),
};

export type EngineCall = keyof typeof ENGINE_CALLS;

/** Name of a call → the function that makes it. */
export type EngineCalls = {
  [Name in EngineCall]: (typeof ENGINE_CALLS)[Name] extends CallTypes<
    infer Request,
    infer Progress,
    infer Result
  >
    ? (request: Request, options?: CallOptions<Progress>) => Promise<Result>
    : never;
};

export interface Engine extends EngineCalls {
  /** Frees models and ends the engine process, if there is one. */
  dispose(): Promise<void>;
}
