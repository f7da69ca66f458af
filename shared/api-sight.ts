/**
 * The part of the engine's interface (`api.ts`) that looks at pictures: a click becomes a mask (`segment`), objects are found
 * one after another (`findObjects`), one is cut out of its picture (`cutOut`), a picture or an object in it is put into
 * words (`describe`).
 *
 * A picture is encoded by the first call about it and then remembered, within bounds; every result names it in
 * `picture`, and later calls may give that name in place of the file.
 */
import type { DeviceId } from './devices.ts';
import type { Raster } from './raster.ts';

/** A place in a picture, in pixels from its upper left corner; 0 is the centre of the first pixel. */
export interface PromptPoint {
  x: number;
  y: number;
  /** Whether the object is here (the default), or what is not part of it. */
  include?: boolean;
}

/** A rectangle of a picture, in pixels from its upper left corner, x1 and y1 excluded. */
export interface PixelBox {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** One byte a pixel, row by row: 1 inside, 0 outside. */
export interface MaskPixels {
  width: number;
  height: number;
  data: Uint8Array;
}

/** A mask that a segmenter gave. */
export interface ObjectMask extends MaskPixels {
  /** How well the segmenter expects the mask to fit: about 0 … 1, the intersection over the union. */
  score: number;
  /** Pixels of the picture inside. */
  area: number;
  /** Bounds in the picture; undefined if the mask is empty. */
  box: PixelBox | undefined;
  /** What a later request about the same picture may give as `refine`; absent if the segmenter cannot refine. */
  logits?: Float32Array;
  /** PNG file, white inside, where the request asked for it. */
  png?: Uint8Array;
}

/** What every request about a picture has. */
interface SightRequest {
  /** The picture's file; or its name in an earlier result, which fails with a `ForgottenError` when it is forgotten. */
  image: Uint8Array | string;
  /** Threads for one network run; 0 or absent: as many as there are physical cores. */
  threads?: number;
}

export const SEGMENTER_PRECISIONS = ['fp32', 'int8'] as const;
/** `int8`: the encoder multiplies bytes; the first picture, by which it is calibrated, is encoded in float32. */
export type SegmenterPrecision = (typeof SEGMENTER_PRECISIONS)[number];

export interface SegmentRequest extends SightRequest {
  /** Where the object is and is not. Without points and box the picture is only encoded. */
  points?: readonly PromptPoint[];
  /** The object is in here. What reaches beyond the picture is cut off. */
  box?: PixelBox;
  /** The `logits` of an earlier mask of this picture, which the points correct. */
  refine?: Float32Array;
  /** The most masks wanted, 1 … 3 (the default). */
  most?: number;
  /** Masks are made smaller until no side is longer, in pixels; absent: the picture's own size. For previews. */
  maxSide?: number;
  /** Return each mask as a file too (default false). */
  png?: boolean;
  /** A folder of a segmenter, or of EfficientViT-SAM's two ONNX files; the embedded one if absent. */
  model?: string;
  /** `fp32` if absent; ONNX files have their own. */
  precision?: SegmenterPrecision;
}

export interface SightResult {
  /** The picture's name in later requests. */
  picture: string;
  /** Size of the picture, in pixels. */
  width: number;
  height: number;
  /** Multiply–accumulates; 0 for ONNX files, which are not counted. */
  macs: number;
  /** Wall time of the whole call. */
  seconds: number;
  /** Wall time spent loading networks. */
  loadSeconds: number;
  /** Where they ran. */
  device?: DeviceId;
  /** Sentences for the user. */
  warnings: string[];
}

/** `kept`: encoded by an earlier call; `part`: only what differs from a remembered picture was encoded. */
export type Encoding = 'kept' | 'part' | 'whole';

export interface SegmentResult extends SightResult {
  /** The best first. */
  masks: ObjectMask[];
  /** Whether the best one is likely to fit; true if no mask was asked for. */
  sure: boolean;
  encoding: Encoding;
  /** Wall time spent encoding. */
  encodeSeconds: number;
}

export interface FindObjectsRequest extends Omit<SegmentRequest, 'points' | 'box' | 'refine' | 'most'> {
  /** Points along the picture's longer side that are tried, 2 … 64. */
  grid?: number;
}

export interface FindObjectsProgress {
  /** Points that have been tried, of all. */
  tried: number;
  points: number;
  /** Objects found so far. */
  objects: number;
}

export interface FindObjectsResult extends SightResult {
  /** From left to right. */
  objects: ObjectMask[];
}

/** What to cut out: what a mask covers, or the object at a place. */
export interface CutOutRequest
  extends Pick<SegmentRequest, 'points' | 'box' | 'model' | 'precision' | 'threads'> {
  /** The image's file, or its pixels, RGB or RGBA. */
  image: Uint8Array | Raster;
  /** An image file, or pixels, grey: white stays. Greys are kept where the mask has the image's size. */
  mask?: Uint8Array | Raster;
  /** Pixels inside the edge over which the cut-out becomes opaque, 0 … 64 (default 2); 0 is a hard edge. */
  feather?: number;
  /** Return only the bounds of the cut-out instead of the whole canvas (default false). */
  trim?: boolean;
}

export interface CutOutResult {
  /** PNG file whose other pixels are transparent. */
  picture: { png: Uint8Array; width: number; height: number };
  /** Where its upper left corner is in the image, in pixels. */
  left: number;
  top: number;
  /** Pixels that can be seen. */
  area: number;
  /** Whether this is probably the object that was meant; true for a mask. */
  sure: boolean;
  macs: number;
  /** Wall time of the whole call. */
  seconds: number;
  /** Sentences for the user. */
  warnings: string[];
}

export interface DescribeRequest extends SightRequest {
  /** Mask of the object to name, at the picture's size or smaller; absent: the whole picture is described. */
  mask?: MaskPixels;
}

/** One property that a picture is said to show. */
export interface PictureLabel {
  /** What kind of label it is: object, part, terrain, time or weather in the embedded tagger. */
  group: string;
  value: string;
  /** The words for it in a prompt. */
  phrase: string;
  /** 0 … 1 */
  probability: number;
}

export interface DescribeResult extends SightResult {
  /** Words from which a picture like this could be drawn; of an object, its name. Empty if nothing was recognized. */
  prompt: string;
  /** Whether the words are more than a guess: something was recognized, of the kind that the tagger was trained on. */
  sure: boolean;
  /** Where the words come from: the recipe in the picture's file, or a look at the picture. */
  source: 'recipe' | 'image';
  /** What holds of the picture, the surest of each group first; of an object, its names. */
  labels: PictureLabel[];
}
