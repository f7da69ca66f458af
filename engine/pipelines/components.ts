import type { Network } from '../graph/network.ts';
import type { OnnxModel } from '../graph/onnx.ts';
import { lowerCrops } from '../lowering/crops.ts';
import { lowerPlanar } from '../lowering/planar.ts';
import { lowerRows, lowerTextProjections, type RowsOptions, textProjections } from '../lowering/rows.ts';
import type { Model } from '../models/model.ts';
import type { Part } from '../models/parts.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import { WeightTable } from '../weights/table.ts';
import { CropNetwork } from './crop-network.ts';
import { RowsUNet } from './rows-unet.ts';

/** A model's networks, each loaded when it is first needed. */
export class Components {
  readonly model: Model;
  readonly #runtime: Runtime;
  readonly #threads: number;
  readonly #networks = new Map<Part, Network>();
  readonly #sessions = new Map<string, Promise<Session>>();

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
    const key = `rows ${options.foldUpsampling} ${options.storage}`;
    const session = await this.#session(key, 'unet', (network, weights) =>
      lowerRows(network, weights, options),
    );
    const network = this.network('unet');
    const text = textProjections(network).length
      ? await this.#session('rows text', 'unet', lowerTextProjections)
      : undefined;
    return new RowsUNet(session, text, network, options);
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
