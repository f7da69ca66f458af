import { path } from '#host';
import type { SegmenterPrecision } from '../../../shared/api.ts';
import { InputError } from '../../errors.ts';
import type { Backend, CompileOptions, Program } from '../../execution/backend.ts';
import { type Form, PLANAR } from '../../execution/forms/form.ts';
import {
  isRecord,
  isReleased,
  PartNetwork,
  type PartRecord,
  releaseRecord,
} from '../../execution/parts/part-network.ts';
import { countMacs } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import { float32, floats, int64 } from '../../graph/tensor.ts';
import type { VisionFolder } from '../../models/vision-folder.ts';
import { samEncoder } from '../../networks/efficientvit-heads.ts';
import { LEARNED_TOKENS, maskDecoder } from '../../networks/mask-decoder.ts';
import { type ConvolutionBytes, quantizeConvolutions } from '../../quantization/convolutions.ts';
import { anchorsOf } from '../../regions/anchors.ts';
import { type Box, mergeBoxes } from '../../regions/box.ts';
import { remembered } from '../../remembered.ts';
import { WeightTable } from '../../weights/weight-table.ts';
import { decodedFrom, type ImageEmbedding, type Prompt, type Segmenter } from './segmenter.ts';

/** Positions at every level that are encoded around a change. */
export const MARGIN = 3;
/** A part that costs more than this share of the whole is not worth its overhead. */
const MOST_OF_WHOLE = 0.6;
/** Encoders with fewer multiply–accumulates are as fast without: a part has as many operators as the whole. */
const LEAST_RECORDED = 2e9;
/** Records that stay on a device, each of tens of megabytes: of the image and of another one. */
const MOST_KEPT = 2;

/** A segmenter's folder. */
type SegmenterFolder = VisionFolder & { kind: 'segmenter' };

/** A segmenter in the engine's own networks, each loaded when it is first needed. */
export class NetworkSegmenter implements Segmenter {
  readonly id: string;
  readonly name: string;
  readonly refines = true;
  readonly #folder: SegmenterFolder;
  readonly #backend: Backend;
  readonly #threads: number;
  readonly #precision: SegmenterPrecision;
  /** The encoder's convolutions in int8, with the ranges of the first picture. */
  #bytes: ReadonlyMap<string, ConvolutionBytes> | undefined;
  readonly #programs = new Map<string, Promise<Program>>();
  readonly #encoder: Network;
  readonly #decoders: Record<'plain' | 'refine', Network>;
  readonly #parts: PartNetwork;
  /** Whether records stay on the device that computes them. */
  readonly #keeps: boolean;
  /** Those that do, the latest last. */
  #kept: PartRecord[] = [];
  /** Multiply–accumulates of encoding a whole picture. */
  readonly #macs: number;

  /**
   * @param precision `int8`: the encoder's convolutions are products of bytes, whose ranges are those of the first
   * picture, which is encoded in float32.
   */
  constructor(
    folder: SegmenterFolder,
    backend: Backend,
    threads: number,
    precision: SegmenterPrecision = 'fp32',
  ) {
    this.id = `${folder.folder} ${precision}`;
    this.#precision = precision;
    this.name = path.basename(folder.folder);
    this.#folder = folder;
    this.#backend = backend;
    this.#threads = threads;
    const { encoder, decoder } = folder.config;
    this.#encoder = samEncoder(encoder);
    const { size } = folder.config.input;
    this.#macs = countMacs(this.#encoder, { height: size, width: size, batch: 1, tokens: 0 }).total;
    const anchors = anchorsOf(this.#encoder);
    const keeps = backend.device === 'webgpu';
    this.#keeps = keeps;
    const program = (key: string, form: Form) =>
      this.#program(key, this.#encoder, form, keeps ? { keeps: isRecord } : {});
    const sessions = {
      whole: () => program('whole', { kind: 'recording', anchors }),
      part: () => program('part', { kind: 'parts', anchors, ...(keeps && { updates: true }) }),
    };
    this.#parts = new PartNetwork(this.#encoder, sessions, keeps);
    this.#decoders = {
      plain: maskDecoder(decoder, { refine: false }),
      refine: maskDecoder(decoder, { refine: true }),
    };
  }

  get input() {
    return this.#folder.config.input;
  }

  get #worthRecording(): boolean {
    return this.#macs > LEAST_RECORDED;
  }

  get frame(): number {
    return this.#folder.config.decoder.frame;
  }

  async encode(planes: Float32Array): Promise<ImageEmbedding> {
    const { size } = this.input;
    if (this.#precision === 'int8') return this.#encodeBytes(planes, size);
    if (this.#worthRecording) {
      const { record, macs } = await this.#parts.whole(planes, size);
      this.#keep(record);
      return { data: Float32Array.from(this.#parts.outputIn(record)), macs, record };
    }
    const program = await this.#program('encoder', this.#encoder);
    const outputs = await program.run({ input_image: float32(planes, [1, 3, size, size]) });
    return { data: floats(outputs, 'image_embeddings'), macs: this.#macs };
  }

  async #encodeBytes(planes: Float32Array, size: number): Promise<ImageEmbedding> {
    const inputs = { input_image: float32(planes, [1, 3, size, size]) };
    const bytes = this.#bytes;
    if (bytes) {
      const program = await this.#program('int8', this.#encoder, { kind: 'bytes', bytes });
      const outputs = await program.run(inputs, ['image_embeddings']);
      return { data: floats(outputs, 'image_embeddings'), macs: this.#macs };
    }
    const weights = new WeightTable(this.#encoder, await this.#folder.weights());
    const program = await this.#backend.compile(
      this.#encoder,
      weights,
      { kind: 'ranges' },
      { threads: this.#threads },
    );
    try {
      const outputs = await program.run(inputs);
      this.#bytes = await quantizeConvolutions(
        this.#encoder,
        weights,
        [outputs],
        await this.#backend.largestInt8(),
      );
      return { data: floats(outputs, 'image_embeddings'), macs: this.#macs };
    } finally {
      await program.release();
    }
  }

  async encodeAgain(
    planes: Float32Array,
    earlier: ImageEmbedding,
    changed: readonly Box[],
  ): Promise<ImageEmbedding | undefined> {
    const { record } = earlier;
    if (!record || isReleased(record)) return undefined;
    const planOf = (box: Box) => this.#parts.plan(this.input.size, box, MARGIN);
    const plans = mergeBoxes(changed, (box) => planOf(box).macs).map(planOf);
    const macs = plans.reduce((sum, plan) => sum + plan.macs, 0);
    if (macs > MOST_OF_WHOLE * this.#macs) return undefined;
    delete earlier.record;
    for (const plan of plans) await this.#parts.part(planes, plan, record);
    this.#keep(record);
    return { data: Float32Array.from(this.#parts.outputIn(record)), macs, record };
  }

  /** Makes room for a record on the device, where the ones before the last are freed. */
  #keep(record: PartRecord): void {
    if (!this.#keeps) return;
    this.#kept = [...this.#kept.filter((other) => other !== record), record];
    for (const old of this.#kept.splice(0, this.#kept.length - MOST_KEPT)) releaseRecord(old);
  }

  async decode(embedding: ImageEmbedding, { coordinates, labels, earlier }: Prompt) {
    const { channels } = this.#folder.config.decoder;
    const side = Math.sqrt(embedding.data.length / channels);
    if (earlier && earlier.length !== (4 * side) ** 2)
      throw new InputError(
        `The earlier mask has ${earlier.length} values; ${this.name} gives ${(4 * side) ** 2}.`,
      );
    const form = earlier ? 'refine' : 'plain';
    const network = this.#decoders[form];
    const program = await this.#program(form, network);
    const count = labels.length;
    const outputs = await program.run({
      image_embeddings: float32(embedding.data, [1, channels, side, side]),
      point_coords: float32(Float32Array.from(coordinates), [1, count, 2]),
      point_labels: int64(BigInt64Array.from(labels, BigInt), [1, count]),
      ...(earlier && { mask_input: float32(earlier, [1, 1, 4 * side, 4 * side]) }),
    });
    const extent = { height: 4 * side, width: 4 * side, batch: 1, tokens: LEARNED_TOKENS + count };
    const { total: macs } = countMacs(network, extent);
    return decodedFrom(floats(outputs, 'masks'), floats(outputs, 'iou_predictions'), macs);
  }

  async release(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    this.#kept = [];
    for (const program of programs) await program.then((loaded) => loaded.release()).catch(() => {});
  }

  #program(
    key: string,
    network: Network,
    form: Form = PLANAR,
    options: CompileOptions = {},
  ): Promise<Program> {
    return remembered(this.#programs, key, () => this.#load(network, form, options));
  }

  async #load(network: Network, form: Form, options: CompileOptions): Promise<Program> {
    const weights = new WeightTable(network, await this.#folder.weights());
    return this.#backend.compile(network, weights, form, { threads: this.#threads, ...options });
  }
}
