import type { Network } from '../graph/network.ts';
import type { OnnxModel } from '../graph/onnx.ts';
import { shiftNetwork, textNetwork } from '../lowering/conditioning.ts';
import { lowerCrops } from '../lowering/crops.ts';
import { lowerPlanar } from '../lowering/planar.ts';
import { lowerRows, type RowsOptions } from '../lowering/rows.ts';
import type { Model } from '../models/model.ts';
import type { Part } from '../models/parts.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import { WeightTable } from '../weights/table.ts';
import { CropNetwork } from './crop-network.ts';
import { RowsUNet } from './rows-unet.ts';

/** Weights of a U-Net that can be held twice. */
const SMALL_BYTES = 64 * 2 ** 20;

/** The U-Net in rows form: as passes over a part run, and as passes that are recorded run, loaded when asked for. */
export interface EditingUNet {
  editing: RowsUNet;
  recording: () => Promise<RowsUNet>;
}

/** A model's networks, each loaded when it is first needed. */
export class Components {
  readonly model: Model;
  readonly #runtime: Runtime;
  readonly #threads: number;
  readonly #networks = new Map<Part, Network>();
  readonly #sessions = new Map<string, Promise<Session>>();
  readonly #rowsUNets = new WeakMap<Session, RowsUNet>();

  constructor(model: Model, runtime: Runtime, threads: number) {
    this.model = model;
    this.#runtime = runtime;
    this.#threads = threads;
  }

  network(part: Part): Network {
    let network = this.#networks.get(part);
    if (!network) {
      network = this.model.network(part);
      this.#networks.set(part, network);
    }
    return network;
  }

  /** A network in planar form. */
  session(part: Part): Promise<Session> {
    return this.#session(part, part, lowerPlanar);
  }

  /** The U-Net in rows form. */
  async rowsUNet(options: RowsOptions): Promise<RowsUNet> {
    const key = `rows ${JSON.stringify(options)}`;
    const network = this.network('unet');
    const rows = await this.#session(key, 'unet', (_, weights) => lowerRows(network, weights, options));
    const [text, shift] = [await this.#conditioning(textNetwork), await this.#conditioning(shiftNetwork)];
    const known = this.#rowsUNets.get(rows) ?? new RowsUNet({ rows, text, shift }, network, options);
    this.#rowsUNets.set(rows, known);
    return known;
  }

  /**
   * The U-Net in the forms that an edit takes. A small one is loaded twice: with recorded statistics it has fewer
   * operators, which is what its passes over a few rows cost, and its features are kept as they are, not as bytes.
   */
  async editingUNet(foldUpsampling: boolean): Promise<EditingUNet> {
    const { bytes } = new WeightTable(this.network('unet'), await this.model.weights('unet'));
    const small = bytes < SMALL_BYTES;
    const options = { foldUpsampling, storage: small ? 'float32' : 'int8' } as const;
    return {
      editing: await this.rowsUNet({ ...options, statistics: small ? 'recorded' : 'any' }),
      recording: () => this.rowsUNet({ ...options, statistics: 'any' }),
    };
  }

  /** A part of the autoencoder that can compute a rectangle of its output. */
  async cropNetwork(part: 'vae-decoder' | 'vae-encoder'): Promise<CropNetwork> {
    return new CropNetwork(await this.#session(`crops ${part}`, part, lowerCrops), this.network(part));
  }

  /** Frees every loaded network. */
  async release(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.then((loaded) => loaded.release()).catch(() => {});
  }

  async #conditioning(of: (network: Network) => Network): Promise<Session | undefined> {
    const part = of(this.network('unet'));
    if (part.outputs.size === 0) return undefined;
    return this.#session(part.name, 'unet', (_, weights) => lowerPlanar(part, weights));
  }

  #session(
    key: string,
    part: Part,
    lower: (network: Network, weights: WeightTable) => OnnxModel,
  ): Promise<Session> {
    let session = this.#sessions.get(key);
    if (!session) {
      session = this.#load(part, lower);
      this.#sessions.set(key, session);
      session.catch(() => this.#sessions.delete(key));
    }
    return session;
  }

  async #load(part: Part, lower: (network: Network, weights: WeightTable) => OnnxModel): Promise<Session> {
    const network = this.network(part);
    const weights = new WeightTable(network, await this.model.weights(part));
    return this.#runtime.load(lower(network, weights), { threads: this.#threads });
  }
}
