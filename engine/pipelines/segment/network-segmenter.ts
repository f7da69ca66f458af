import path from 'node:path';
import { InputError } from '../../errors.ts';
import { countMacs } from '../../graph/macs.ts';
import type { Network } from '../../graph/network.ts';
import { lowerPlanar } from '../../lowering/planar.ts';
import type { VisionFolder } from '../../models/vision-folder.ts';
import { samEncoder } from '../../networks/efficientvit-heads.ts';
import { LEARNED_TOKENS, maskDecoder } from '../../networks/mask-decoder.ts';
import { float32, floats, int64, type Runtime, type Session } from '../../runtime/runtime.ts';
import { WeightTable } from '../../weights/table.ts';
import { decodedFrom, type Embedding, type Prompt, type Segmenter } from './segmenter.ts';

/** A segmenter's folder. */
type SegmenterFolder = VisionFolder & { kind: 'segmenter' };

/** A segmenter in the engine's own networks, each loaded when it is first needed. */
export class NetworkSegmenter implements Segmenter {
  readonly id: string;
  readonly name: string;
  readonly refines = true;
  readonly #folder: SegmenterFolder;
  readonly #runtime: Runtime;
  readonly #threads: number;
  readonly #sessions = new Map<Network, Promise<Session>>();
  readonly #encoder: Network;
  readonly #decoders: Record<'plain' | 'refine', Network>;

  constructor(folder: SegmenterFolder, runtime: Runtime, threads: number) {
    this.id = folder.folder;
    this.name = path.basename(folder.folder);
    this.#folder = folder;
    this.#runtime = runtime;
    this.#threads = threads;
    const { encoder, decoder } = folder.config;
    this.#encoder = samEncoder(encoder);
    this.#decoders = {
      plain: maskDecoder(decoder, { refine: false }),
      refine: maskDecoder(decoder, { refine: true }),
    };
  }

  get input() {
    return this.#folder.config.input;
  }

  get frame(): number {
    return this.#folder.config.decoder.frame;
  }

  async encode(planes: Float32Array): Promise<Embedding> {
    const { size } = this.input;
    const session = await this.#session(this.#encoder);
    const outputs = await session.run({ input_image: float32(planes, [1, 3, size, size]) });
    const { total: macs } = countMacs(this.#encoder, { height: size, width: size, batch: 1, tokens: 0 });
    return { data: floats(outputs, 'image_embeddings'), macs };
  }

  async decode(embedding: Embedding, { coordinates, labels, earlier }: Prompt) {
    const { channels } = this.#folder.config.decoder;
    const side = Math.sqrt(embedding.data.length / channels);
    if (earlier && earlier.length !== (4 * side) ** 2)
      throw new InputError(
        `The earlier mask has ${earlier.length} values; ${this.name} gives ${(4 * side) ** 2}.`,
      );
    const network = this.#decoders[earlier ? 'refine' : 'plain'];
    const session = await this.#session(network);
    const count = labels.length;
    const outputs = await session.run({
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
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.then((loaded) => loaded.release()).catch(() => {});
  }

  #session(network: Network): Promise<Session> {
    let session = this.#sessions.get(network);
    if (!session) {
      session = this.#load(network);
      this.#sessions.set(network, session);
      session.catch(() => this.#sessions.delete(network));
    }
    return session;
  }

  async #load(network: Network): Promise<Session> {
    const weights = new WeightTable(network, await this.#folder.weights());
    return this.#runtime.load(lowerPlanar(network, weights), { threads: this.#threads });
  }
}
