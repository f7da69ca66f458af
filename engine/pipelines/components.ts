import type { Network } from '../graph/network.ts';
import { lowerPlanar } from '../lowering/planar.ts';
import type { Model } from '../models/model.ts';
import type { Part } from '../models/parts.ts';
import type { Runtime, Session } from '../runtime/runtime.ts';
import { WeightTable } from '../weights/table.ts';

/** A model's networks, each loaded when it is first needed. */
export class Components {
  readonly model: Model;
  readonly #runtime: Runtime;
  readonly #threads: number;
  readonly #networks = new Map<Part, Network>();
  readonly #sessions = new Map<Part, Promise<Session>>();

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

  session(part: Part): Promise<Session> {
    let session = this.#sessions.get(part);
    if (!session) {
      session = this.#load(part);
      this.#sessions.set(part, session);
      session.catch(() => this.#sessions.delete(part));
    }
    return session;
  }

  async #load(part: Part): Promise<Session> {
    const network = this.network(part);
    const weights = new WeightTable(network, await this.model.weights(part));
    return this.#runtime.load(lowerPlanar(network, weights), { threads: this.#threads });
  }

  /** Frees every loaded network. */
  async release(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.then((loaded) => loaded.release()).catch(() => {});
  }
}
