import { cacheFolder, path } from '#host';
import type { Backend, Program } from '../../execution/backend.ts';
import { type Form, PLANAR } from '../../execution/forms/form.ts';
import type { Extent } from '../../graph/macs.ts';
import { type Network, weightsOf } from '../../graph/network.ts';
import { float32, floats } from '../../graph/tensor.ts';
import { SAM_NAMES, samConfig } from '../../models/efficientvit.ts';
import type { SyntheticOptions } from '../../models/synthetic.ts';
import { openSegmenterFolder } from '../../models/vision-folder.ts';
import type { SegmenterConfig } from '../../networks/efficientvit-config.ts';
import { samEncoder } from '../../networks/efficientvit-heads.ts';
import { maskDecoder } from '../../networks/mask-decoder.ts';
import { embeddedSight } from '../../pipelines/segment/open.ts';
import type { Mask } from '../../regions/mask.ts';
import type { WeightSource } from '../../weights/source.ts';
import { syntheticWeights } from '../../weights/synthetic.ts';
import { WeightTable } from '../../weights/weight-table.ts';

/** Architectures of segmenters that can be measured with synthetic weights. */
export const SEGMENTERS: readonly string[] = SAM_NAMES.map((name) => `efficientvit-sam-${name}`);

/** A segmenter's networks and weights, and the input of all cases. */
export class SightSubject {
  readonly name: string;
  readonly config: SegmenterConfig;
  readonly encoder: Network;
  readonly decoder: Network;
  readonly extent: Extent;
  /** Planes [3, size, size] of an image, because zeros would distort timings. */
  readonly original: Float32Array;
  readonly #weights: WeightSource;
  readonly #backend: Backend;
  readonly #threads: number;

  private constructor(
    name: string,
    config: SegmenterConfig,
    networks: { encoder: Network; decoder: Network },
    weights: WeightSource,
    backend: Backend,
    threads: number,
  ) {
    this.name = name;
    this.config = config;
    this.encoder = networks.encoder;
    this.decoder = networks.decoder;
    this.#weights = weights;
    this.#backend = backend;
    this.#threads = threads;
    const { size } = config.input;
    this.extent = { height: size, width: size, batch: 1, tokens: 0 };
    this.original = waves(size, 23, 31);
  }

  /**
   * @param name a segmenter's folder, or one of `SEGMENTERS` with synthetic weights; the embedded one if undefined.
   * @throws InputError if it is neither.
   */
  static async open(
    name: string | undefined,
    backend: Backend,
    threads: number,
    options: SyntheticOptions = {},
  ): Promise<SightSubject> {
    const synthetic = SEGMENTERS.includes(name ?? '');
    const folder = synthetic ? undefined : await openSegmenterFolder(name ?? embeddedSight('segmenter'));
    const config = folder?.config ?? samConfig(name!.replace('efficientvit-sam-', ''));
    const networks = {
      encoder: samEncoder(config.encoder),
      decoder: maskDecoder(config.decoder, { refine: false }),
    };
    const weights = await (folder?.weights() ??
      syntheticWeights([networks.encoder, networks.decoder].flatMap(weightsOf), {
        seed: 1,
        folder: path.join(cacheFolder(), 'synthetic'),
        ...options,
      }));
    const called = synthetic
      ? name!
      : name === undefined
        ? 'embedded segmenter'
        : path.basename(folder!.folder);
    return new SightSubject(called, config, networks, weights, backend, threads);
  }

  /** Loads the encoder or the decoder in a form. */
  compile(network: Network, form: Form = PLANAR): Promise<Program> {
    return this.#backend.compile(network, this.table(network), form, { threads: this.#threads });
  }

  /** Largest int8 weight with exact products on this machine; see `Backend`. */
  largestInt8(): Promise<number> {
    return this.#backend.largestInt8();
  }

  table(network: Network): WeightTable {
    return new WeightTable(network, this.#weights);
  }

  /** The embedding [C, s, s] of planes, by the whole encoder in float32. */
  async embedding(planes: Float32Array): Promise<Float32Array> {
    const { height, width } = this.extent;
    const program = await this.compile(this.encoder);
    try {
      const outputs = await program.run({ input_image: float32(planes, [1, 3, height, width]) });
      return floats(outputs, 'image_embeddings');
    } finally {
      await program.release();
    }
  }

  /** The image with other content under the mask. */
  edited({ data }: Mask): Float32Array {
    const other = waves(this.config.input.size, 7, 11);
    return this.original.map((value, i) => (data[i % data.length] ? other[i]! : value));
  }
}

/** Waves of colour: normalized planes [3, size, size]. */
function waves(size: number, across: number, down: number): Float32Array {
  return Float32Array.from({ length: 3 * size * size }, (_, i) => {
    const [x, y, c] = [i % size, Math.floor(i / size) % size, Math.floor(i / size / size)];
    return 2 * Math.sin(x / across + ((c + 1) * y) / down);
  });
}
