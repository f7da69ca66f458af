import path from 'node:path';
import type { OnnxModel } from '../graph/onnx.ts';
import { readJson } from '../json.ts';
import { lowerPlanar } from '../lowering/planar.ts';
import { lowerRows, lowerTextProjections } from '../lowering/rows.ts';
import { networkOf, type Part, PLACES } from '../models/parts.ts';
import { featuresOf, levelCount } from '../regions/features.ts';
import {
  featureFeeds,
  featureOutputs,
  indexFeeds,
  type Recorded,
  type RegionForm,
  recordedFrom,
} from '../regions/feeds.ts';
import { fullMask, type Mask } from '../regions/mask.ts';
import { planRegion } from '../regions/plan.ts';
import { overPlanes, toRows } from '../regions/rows.ts';
import { float32, floats, type Runtime, type Session, type Tensor } from '../runtime/runtime.ts';
import { openWeights } from '../weights/folder.ts';
import { WeightTable } from '../weights/table.ts';

/** The networks of a folder that is to be verified; any of them may be absent. */
export class Checkpoint {
  readonly root: string;
  readonly #runtime: Runtime;
  readonly #sessions = new Map<string, Session>();
  #rows: RowsReference | undefined;

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
    if (!this.#rows) {
      const { network, weights } = await this.#open('unet', PLACES.unet.folder);
      // Right at every size: references come in sizes with odd levels too.
      const options = { foldUpsampling: false, storage: 'float32' } as const;
      const load = (model: OnnxModel) => this.#runtime.load(model, { threads: this.#runtime.threads });
      const session = await load(lowerRows(network, weights, options));
      const text = await load(lowerTextProjections(network, weights));
      this.#sessions.set('rows', session);
      this.#sessions.set('rows text', text);
      this.#rows = new RowsReference(session, text, { ...options, features: featuresOf(network) });
    }
    return this.#rows;
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
  readonly #session: Session;
  readonly #text: Session;
  readonly #form: Omit<RegionForm, 'batch'>;
  readonly #levels: number;

  constructor(session: Session, text: Session, form: Omit<RegionForm, 'batch'>) {
    this.#session = session;
    this.#text = text;
    this.#form = form;
    this.#levels = levelCount(form.features);
  }

  async run(pass: Pass): Promise<{ output: Float32Array; recorded: Recorded }> {
    const [batch, channels, height, width] = pass.sample.dims as [number, number, number, number];
    const form = { ...this.#form, batch };
    const plan = planRegion(pass.mask ?? fullMask(height, width), this.#levels);
    const { active } = plan.levels[0]!;
    const rows = toRows(pass.sample.data as Float32Array, batch, channels, active);
    const { encoder_hidden_states: text, ...inputs } = pass.inputs;
    const outputs = await this.#session.run(
      {
        ...inputs,
        ...(await this.#text.run({ encoder_hidden_states: text! })),
        ...indexFeeds(form, plan),
        ...featureFeeds(form, plan, pass.recorded),
        sample: float32(rows, [batch, active.length, channels]),
        timestep: float32(Float32Array.of(pass.timestep), [1, 1]),
      },
      ['out', ...featureOutputs(form)],
    );
    const fresh = floats(outputs, 'out');
    const outChannels = fresh.length / (batch * active.length);
    const output = pass.base?.slice() ?? new Float32Array(batch * outChannels * height * width);
    overPlanes(output, fresh, batch, outChannels, active);
    return { output, recorded: recordedFrom(form, outputs) };
  }
}
