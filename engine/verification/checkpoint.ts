import path from 'node:path';
import { shiftNetwork, textNetwork } from '../execution/lowering/conditioning.ts';
import type { OnnxModel } from '../execution/lowering/onnx/onnx.ts';
import { lowerPlanar } from '../execution/lowering/planar.ts';
import { lowerRows } from '../execution/lowering/rows.ts';
import { RowsUNet } from '../execution/rows-unet.ts';
import type { Runtime, Session } from '../execution/runtime.ts';
import { float32, type Tensor } from '../graph/tensor.ts';
import { readJson } from '../json.ts';
import { networkOf, type Part, PLACES } from '../models/parts.ts';
import type { Mask } from '../regions/mask.ts';
import type { Recorded } from '../regions/recorded.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import { openWeights } from '../weights/folder.ts';
import { WeightTable } from '../weights/table.ts';

/** The networks of a folder that is to be verified; any of them may be absent. */
export class Checkpoint {
  readonly root: string;
  readonly #runtime: Runtime;
  readonly #sessions = new Map<string, Session>();
  #rows: RowsReference | undefined;
  #bands: RowsUNet | undefined;

  constructor(root: string, runtime: Runtime) {
    this.root = root;
    this.#runtime = runtime;
  }

  /** A network in planar form. */
  async session(part: Part, folder: string = PLACES[part].folder): Promise<Session> {
    const key = `${folder}/${part}`;
    let session = this.#sessions.get(key);
    if (!session) {
      const { network, weights } = await this.#open(part, folder);
      session = await this.#runtime.load(lowerPlanar(network, weights), { threads: this.#runtime.threads });
      this.#sessions.set(key, session);
    }
    return session;
  }

  /** The U-Net in rows form, with exact storage. */
  async rows(): Promise<RowsReference> {
    this.#rows ??= new RowsReference(await this.#rowsUNet('any'));
    return this.#rows;
  }

  /** The U-Net in the form that bands of a picture take. */
  async bands(): Promise<RowsUNet> {
    this.#bands ??= await this.#rowsUNet('bands');
    return this.#bands;
  }

  async #rowsUNet(statistics: 'any' | 'bands'): Promise<RowsUNet> {
    const { network, weights } = await this.#open('unet', PLACES.unet.folder);
    // Right at every size: references come in sizes with odd levels too.
    const options = { foldUpsampling: false, storage: 'float32', statistics, attention: 'full' } as const;
    const load = async (key: string, model: OnnxModel) => {
      const session = await this.#runtime.load(model, { threads: this.#runtime.threads });
      this.#sessions.set(`${key} ${statistics}`, session);
      return session;
    };
    const sessions = {
      rows: await load('rows', lowerRows(network, weights, options)),
      text: await load('text', lowerPlanar(textNetwork(network), weights)),
      shift: await load('shift', lowerPlanar(shiftNetwork(network), weights)),
    };
    return new RowsUNet(sessions, network, options);
  }

  async release(): Promise<void> {
    for (const session of this.#sessions.values()) await session.release();
  }

  async #open(part: Part, folder: string) {
    const place = path.join(this.root, folder);
    const config = path.join(place, 'config.json');
    const network = networkOf(part, await readJson(config), config);
    return { network, weights: new WeightTable(network, await openWeights(place, PLACES[part].stem)) };
  }
}

/** One pass of a U-Net over [B, C, H, W], or over the part of it that a mask says. */
export interface Pass {
  sample: Tensor;
  timestep: number;
  inputs: Record<string, Tensor>;
  mask?: Mask;
  /** What an earlier pass recorded, and its output, which stays where nothing is computed. */
  recorded?: Recorded;
  base?: Float32Array;
}

/** The U-Net in rows form with planes outside, as the references have them. */
export class RowsReference {
  readonly #unet: RowsUNet;

  constructor(unet: RowsUNet) {
    this.#unet = unet;
  }

  /** Features are recorded where the pass is over everything. */
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
