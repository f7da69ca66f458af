import type { Network } from '../graph/network.ts';
import { float32, floats, type Tensor } from '../graph/tensor.ts';
import type { ReferenceModel } from '../models/reference-model.ts';
import { PLACE_WEIGHTS, patchesOf } from '../networks/clip-vision.ts';
import { joined, requireFinite } from '../numbers.ts';
import { readFloat32 } from '../weights/read.ts';
import type { WeightSource } from '../weights/source.ts';
import { WeightTable } from '../weights/weight-table.ts';
import type { Backend, Program } from './backend.ts';
import { PLANAR } from './forms/form.ts';

/** Encodes pictures for an IP-Adapter. Its networks are loaded when they are first needed. */
export class ReferenceEncoder {
  readonly #model: ReferenceModel;
  readonly #backend: Backend;
  readonly #threads: number | undefined;

  constructor(model: ReferenceModel, backend: Backend, threads?: number) {
    this.#model = model;
    this.#backend = backend;
    this.#threads = threads;
  }

  /** The encoder's outputs for normalized planes [3, S, S]; see `clipVision`. */
  async states(planes: Float32Array): Promise<Record<string, Tensor>> {
    const { config, network, weights } = this.#model.encoder;
    const source = await weights();
    const patches = patchesOf(planes, config);
    const rows = 1 + (config.image_size / config.patch_size) ** 2;
    const places = await this.#places(source, rows * config.hidden_size);
    return this.#using(network, source, (program) =>
      program.run({
        patches: float32(patches, [1, rows, patches.length / rows]),
        places: float32(places, [1, rows, config.hidden_size]),
      }),
    );
  }

  /**
   * The tokens of pictures, then those of no picture, which the negative prompt's branch sees: [pictures + 1, n, C].
   * For no picture a plain adapter projects zeros, the others the encoder's states of a picture of zeros.
   */
  async tokens(pictures: readonly Float32Array[]): Promise<Tensor & { type: 'float32' }> {
    const { shape, encoder } = this.#model;
    const name = shape.kind === 'plain' ? 'embeds' : 'penultimate';
    const states: Float32Array[] = [];
    const { image_size: size } = encoder.config;
    const all = shape.kind === 'plain' ? pictures : [...pictures, new Float32Array(3 * size ** 2)];
    for (const planes of all) states.push(floats(await this.states(planes), name));
    for (const state of states) requireFinite(state, 'The image encoder of the IP-Adapter');
    if (shape.kind === 'plain') states.push(new Float32Array(shape.embeds));
    return this.project(states);
  }

  /** Tokens of the encoder's outputs, one row each. */
  async project(states: readonly Float32Array[]): Promise<Tensor & { type: 'float32' }> {
    const { shape, projection, weights } = this.#model;
    const batch = states.length;
    const given = float32(joined(states), [batch, 1, states[0]!.length]);
    if (shape.kind === 'plain') {
      const outputs = await this.#using(projection, weights, (program) => program.run({ embeds: given }));
      const [gain, bias] = await Promise.all(
        ['weight', 'bias'].map((part) => readFloat32(weights.find(`image_proj.norm.${part}`)!)),
      );
      const data = normed(floats(outputs, 'flat'), gain!, bias!);
      return float32(data, [batch, shape.tokens, shape.channels]);
    }
    const rows = states[0]!.length / shape.features;
    const features = float32(given.data, [batch, rows, shape.features]);
    const outputs = await this.#using(projection, weights, async (program) =>
      program.run({ features, ...(shape.kind === 'plus' && (await this.#latents(batch, shape))) }),
    );
    const tokens = shape.kind === 'plus' ? shape.tokens : rows;
    return float32(floats(outputs, 'tokens'), [batch, tokens, shape.channels]);
  }

  async #latents(batch: number, { tokens, width }: { tokens: number; width: number }) {
    const latents = await readFloat32(this.#model.weights.find('image_proj.latents')!);
    const rows = joined(Array.from({ length: batch }, () => latents));
    return { latents: float32(rows, [batch, tokens, width]) };
  }

  async #using<T>(network: Network, source: WeightSource, use: (program: Program) => Promise<T>): Promise<T> {
    const table = new WeightTable(network, source);
    const program = await this.#backend.compile(network, table, PLANAR, { threads: this.#threads });
    try {
      return await use(program);
    } finally {
      await program.release();
    }
  }

  /** The position embedding, with the class embedding in its first row. */
  async #places(source: WeightSource, length: number): Promise<Float32Array> {
    const [token, positions] = [PLACE_WEIGHTS.classToken, PLACE_WEIGHTS.positions].map((name) =>
      source.find(name),
    );
    if (!token || !positions) throw new Error(`${source.origin} has no embeddings of places`);
    const places = await readFloat32(positions);
    if (places.length !== length) throw new Error(`${source.origin} has places for another size of picture`);
    for (const [i, value] of (await readFloat32(token)).entries()) places[i]! += value;
    return places;
  }
}

/** Layer norm over the last dimension, as PyTorch's. */
function normed(values: Float32Array, gain: Float32Array, bias: Float32Array): Float32Array {
  const width = gain.length;
  const result = new Float32Array(values.length);
  for (let from = 0; from < values.length; from += width) {
    const row = values.subarray(from, from + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    for (let i = 0; i < width; i++) result[from + i] = (row[i]! - mean) * scale * gain[i]! + bias[i]!;
  }
  return result;
}
