import { InputError } from '../errors.ts';
import type { Backend, Program } from '../execution/backend.ts';
import { shiftNetwork, textNetwork } from '../execution/forms/conditioning.ts';
import { type Form, PLANAR } from '../execution/forms/form.ts';
import { splitText } from '../execution/transformer/split.ts';
import { TokensNetwork } from '../execution/transformer/tokens-network.ts';
import { RowsUNet } from '../execution/unet/rows-unet.ts';
import type { Network } from '../graph/network.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import type { PlacedNetwork } from '../models/layout.ts';
import {
  type AutoencoderFacts,
  autoencoderFacts,
  type NetworkRole,
  networkOf,
  placeOf,
} from '../models/networks.ts';
import { parseAutoencoderKlConfig } from '../networks/autoencoder-kl.ts';
import type { Mask } from '../regions/mask.ts';
import type { Recorded } from '../regions/recorded.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import type { DenoiserFolder } from '../weights/diffusers.ts';
import type { Adapter } from '../weights/lora.ts';
import { mergeAdapters } from '../weights/lora-merge.ts';
import type { WeightSource } from '../weights/source.ts';
import { WeightTable } from '../weights/weight-table.ts';

/** Finds a network by its folder in the diffusers layout. @throws InputError if it is absent */
export type FindNetwork = (folder: string) => Promise<PlacedNetwork>;

/** A checkpoint to verify. */
export interface Subject {
  /** The folder of its reference tensors. */
  root: string;
  denoiser: DenoiserFolder;
  find: FindNetwork;
  /** Layers of the language model that the denoiser reads; see `NetworkOptions`. */
  layers?: readonly number[] | undefined;
}

/** The networks of a checkpoint to verify. Any of them may be absent. */
export class Checkpoint {
  /** Where the reference tensors and the schedulers' configs are. */
  readonly root: string;
  readonly #denoiser: DenoiserFolder;
  readonly #find: FindNetwork;
  readonly #layers: readonly number[] | undefined;
  readonly #adapters: readonly Adapter[];
  readonly #backend: Backend;
  readonly #programs = new Map<string, Program>();
  #rows: RowsReference | undefined;
  #bands: RowsUNet | undefined;
  #tokens: TokensNetwork | undefined;

  /** @param adapters LoRA files that are merged into its weights */
  constructor(
    { root, denoiser, find, layers }: Subject,
    backend: Backend,
    adapters: readonly Adapter[] = [],
  ) {
    this.root = root;
    this.#denoiser = denoiser;
    this.#find = find;
    this.#layers = layers;
    this.#backend = backend;
    this.#adapters = adapters;
  }

  /** A network in planar form. */
  async program(part: NetworkRole, folder: string = placeOf(part, this.#denoiser).folder): Promise<Program> {
    const key = `${folder}/${part}`;
    let program = this.#programs.get(key);
    if (!program) {
      const { network, weights } = await this.#open(part, folder);
      program = await this.#backend.compile(network, weights, PLANAR);
      this.#programs.set(key, program);
    }
    return program;
  }

  async autoencoder(): Promise<AutoencoderFacts> {
    const { config, origin } = await this.#find(placeOf('vae-decoder').folder);
    return autoencoderFacts(config, origin);
  }

  /** How the autoencoder packs latents. @throws InputError if it does not */
  async packing(): Promise<{ epsilon: number }> {
    const { config, origin } = await this.#find(placeOf('vae-decoder').folder);
    const { packing } = parseAutoencoderKlConfig(config, origin);
    if (!packing) throw new InputError(`${origin}: its latents are not packed.`);
    return packing;
  }

  /** The weights of a network as they are stored. */
  async weights(folder: string): Promise<WeightSource> {
    return (await this.#find(folder)).weights();
  }

  /** The U-Net in rows form, with exact storage. */
  async rows(): Promise<RowsReference> {
    this.#rows ??= new RowsReference(await this.#rowsUNet('any'));
    return this.#rows;
  }

  /** The U-Net in the form that computes a band of an image. */
  async bands(): Promise<RowsUNet> {
    this.#bands ??= await this.#rowsUNet('bands');
    return this.#bands;
  }

  /** The transformer in the form that records and computes a part, with exact storage. */
  async tokens(): Promise<TokensNetwork> {
    if (this.#tokens) return this.#tokens;
    const { network, weights } = await this.#open('denoiser', placeOf('denoiser', this.#denoiser).folder);
    const { text, rest } = splitText(network);
    const load = async (key: string, part: Network, form: Form) => {
      const program = await this.#backend.compile(part, weights, form);
      this.#programs.set(key, program);
      return program;
    };
    const programs = {
      rows: await load('tokens', rest, { kind: 'tokens', part: true }),
      text: await load('tokens text', text, PLANAR),
    };
    this.#tokens = new TokensNetwork(programs, network, { part: true, storage: 'float32' });
    return this.#tokens;
  }

  async #rowsUNet(statistics: 'any' | 'bands'): Promise<RowsUNet> {
    const { network, weights } = await this.#open('denoiser', placeOf('denoiser', this.#denoiser).folder);
    // Folded upsampling is exact only for even levels; references come in sizes with odd ones too.
    const options = { foldUpsampling: false, storage: 'float32', statistics, attention: 'full' } as const;
    const load = async (key: string, part: Network, form: Form) => {
      const program = await this.#backend.compile(part, weights, form);
      this.#programs.set(`${key} ${statistics}`, program);
      return program;
    };
    const programs = {
      rows: await load('rows', network, { kind: 'rows', options }),
      text: await load('text', textNetwork(network), PLANAR),
      shift: await load('shift', shiftNetwork(network), PLANAR),
    };
    return new RowsUNet(programs, network, options);
  }

  async release(): Promise<void> {
    for (const program of this.#programs.values()) await program.release();
  }

  async network(part: NetworkRole, folder: string = placeOf(part).folder): Promise<Network> {
    return (await this.#placed(part, folder)).network;
  }

  async #placed(part: NetworkRole, folder: string): Promise<{ network: Network; placed: PlacedNetwork }> {
    const placed = await this.#find(folder);
    return { placed, network: networkOf(part, placed.config, placed.origin, { layers: this.#layers }) };
  }

  async #open(part: NetworkRole, folder: string) {
    const { network, placed } = await this.#placed(part, folder);
    const source = await placed.weights();
    const merged =
      this.#adapters.length > 0 ? await mergeAdapters(source, part, network, this.#adapters) : source;
    return { network, weights: new WeightTable(network, merged) };
  }
}

/** One pass of a U-Net over [B, C, H, W], or over the masked part of it. */
interface Pass {
  sample: Tensor;
  timestep: number;
  inputs: Record<string, Tensor>;
  mask?: Mask;
  /** Features that an earlier pass recorded, and its output, which is kept at positions that are not computed. */
  recorded?: Recorded;
  base?: Float32Array;
}

/** The U-Net in rows form, with inputs and outputs as planes, the layout of the references. */
class RowsReference {
  readonly #unet: RowsUNet;

  constructor(unet: RowsUNet) {
    this.#unet = unet;
  }

  /** Records features if the pass is over everything. */
  async run(pass: Pass): Promise<{ output: Float32Array; recorded: Recorded | undefined }> {
    const [batch, channels, height, width] = pass.sample.dims as [number, number, number, number];
    const unet = this.#unet;
    const region = pass.mask ? unet.region(pass.mask, batch) : unet.dense(height, width, batch);
    const { active } = region.plan.levels[0]!;
    const rows = toRows(pass.sample.data as Float32Array, batch, channels, active);
    const inputs = {
      ...pass.inputs,
      sample: float32(rows, [batch, active.length, channels]),
      timestep: float32(Float32Array.of(pass.timestep), [1, 1]),
    };
    const result = await unet.pass(region, inputs, { recorded: pass.recorded, features: !pass.mask });
    const outChannels = result.output.length / (batch * active.length);
    const output = pass.base?.slice() ?? new Float32Array(batch * outChannels * height * width);
    overPlanes(output, result.output, batch, outChannels, active);
    return { output, recorded: pass.mask ? undefined : unet.recorded(region, result) };
  }
}
