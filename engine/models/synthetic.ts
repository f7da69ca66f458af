import { InputError } from '../errors.ts';
import { type Network, weightsOf } from '../graph/network.ts';
import type { WeightSource } from '../weights/source.ts';
import { syntheticWeights } from '../weights/synthetic.ts';
import { ARCHITECTURES, type Architecture, configOf } from './architectures.ts';
import { defaultsOf, type Model } from './model.ts';
import { autoencoderFacts, type NetworkRole, Networks, networkOf, onlySide } from './networks.ts';
import { sizesOf } from './sizes.ts';

/** Weights are generated on first use; gigabytes for the larger architectures. */
export interface SyntheticOptions {
  onProgress?: (writtenBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/** A published architecture with seeded random weights, for measurements without a trained model. */
export class SyntheticModel implements Model {
  readonly id: string;
  readonly name: string;
  readonly autoencoder;
  readonly defaults;
  readonly sizes;
  readonly #architecture: Architecture;
  readonly #cache: string;
  readonly #options: SyntheticOptions;
  readonly #networks = new Networks((role) => this.#build(role));

  /** `cache`: a folder that keeps the weights between runs. */
  constructor(name: string, cache: string, options: SyntheticOptions = {}) {
    this.#options = options;
    this.#architecture = architectureNamed(name);
    this.#cache = cache;
    this.name = name;
    this.id = `arch:${name}`;
    this.autoencoder = autoencoderFacts(this.#architecture.vae, name);
    const { scale } = this.autoencoder;
    this.sizes = sizesOf(this.autoencoder, onlySide(this.#architecture.denoiser, name));
    this.defaults = defaultsOf(
      { sample_size: this.#architecture.size / scale },
      { scale, sizes: this.sizes },
    );
  }

  network(role: NetworkRole): Network {
    return this.#networks.get(role);
  }

  #build(role: NetworkRole): Network {
    const config = configOf(this.#architecture, role);
    if (!config) throw new InputError(`${this.name} has no ${role}.`);
    return networkOf(role, config, this.name, { layers: this.#architecture.textLayers });
  }

  weights(role: NetworkRole): Promise<WeightSource> {
    return syntheticWeights(weightsOf(this.network(role)), {
      seed: 1,
      folder: this.#cache,
      ...this.#options,
    });
  }
}

/** Throws an `InputError` that lists the known names. */
export function architectureNamed(name: string): Architecture {
  const architecture = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : undefined;
  if (!architecture)
    throw new InputError(`Unknown architecture ${name}; known: ${Object.keys(ARCHITECTURES).join(', ')}.`);
  return architecture;
}
