import type { PartRecord } from '../../execution/parts/part-network.ts';
import type { PictureInput } from '../../networks/efficientvit-config.ts';
import { requireFinite } from '../../numbers.ts';
import type { Box } from '../../regions/box.ts';

/** The encoder's output for a picture, which every prompt about the picture reads. */
export interface ImageEmbedding {
  /** [C, s, s] */
  data: Float32Array;
  /** What the encoder needs to encode a part of the picture again; passed on to the embedding made from this one. */
  record?: PartRecord;
  /** Multiply–accumulates that were spent on it. */
  macs: number;
}

/** A prompt in the decoder's own terms. */
export interface Prompt {
  /** x and y in pixels of the segmenter's frame, one after another. */
  coordinates: readonly number[];
  /** 1 include, 0 exclude, 2 and 3 a box's upper left and lower right corner, −1 no point. */
  labels: readonly number[];
  /** Logits of an earlier mask of this picture to refine, [side, side]. */
  earlier?: Float32Array;
}

/** Masks as logits, each [side, side]: positive inside. */
export interface Decoded {
  side: number;
  /** A segmenter's one mask for an unambiguous prompt, if it has one. */
  single?: ScoredLogits;
  /** Candidates for an ambiguous prompt. */
  candidates: ScoredLogits[];
  macs: number;
}

export interface ScoredLogits {
  logits: Float32Array;
  /**
   * The share of the mask's pixels, of all that are in it or in the object, that the segmenter expects to be in both.
   */
  score: number;
}

/** A promptable segmenter: an encoder that runs once a picture, and a decoder that runs for each prompt. */
export interface Segmenter {
  /** Unique id. */
  readonly id: string;
  /** Name for the user. */
  readonly name: string;
  readonly input: PictureInput;
  /** Side of the square in which prompts are given, in pixels. */
  readonly frame: number;
  /** Whether it takes an earlier mask. */
  readonly refines: boolean;
  /** Normalized planes [3, size, size] → embedding. */
  encode(planes: Float32Array): Promise<ImageEmbedding>;
  /**
   * Encodes a picture that differs from an encoded one in some rectangles only. The earlier embedding stays, its record
   * is used up. Undefined if encoding all of it costs no more.
   */
  encodeAgain?(
    planes: Float32Array,
    earlier: ImageEmbedding,
    changed: readonly Box[],
  ): Promise<ImageEmbedding | undefined>;
  decode(embedding: ImageEmbedding, prompt: Prompt): Promise<Decoded>;
  /** Frees its networks. */
  release(): Promise<void>;
}

/** Masks and scores as decoders of Segment Anything give them: one mask for an unambiguous prompt, then candidates. */
export function decodedFrom(masks: Float32Array, scores: Float32Array, macs: number): Decoded {
  for (const values of [masks, scores]) requireFinite(values, 'The segmenter');
  const area = masks.length / scores.length;
  const all = Array.from(scores, (score, i): ScoredLogits => {
    return { logits: masks.slice(i * area, (i + 1) * area), score };
  });
  const side = Math.sqrt(area);
  // An export may output only the best mask.
  if (all.length < 4) return { side, candidates: all, macs };
  return { side, single: all[0]!, candidates: all.slice(1), macs };
}
