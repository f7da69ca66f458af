import type { Precision } from '../../../shared/api.ts';
import type { Network } from '../../graph/network.ts';
import type { DeviceStorage } from '../../regions/features.ts';
import { tokenFeaturesOf } from '../../regions/token-features.ts';
import type { Backend, Program } from '../backend.ts';
import { type Form, PLANAR } from '../forms/form.ts';
import type { ProgramKey, Programs } from '../programs.ts';
import { splitText } from './split.ts';
import { keepsTokens, tokenStorageOf } from './storage.ts';
import { TokensNetwork } from './tokens-network.ts';

/** The source of the forms of a transformer. */
interface TransformerSource {
  network: () => Network;
  programs: Programs;
  /** Whether all forms stay loaded, instead of making room for each other. */
  keepsAll: boolean;
  /** Whether weights may be loaded twice, and features kept as float32. */
  isSmall: () => Promise<boolean>;
  backend: Pick<Backend, 'device' | 'can'>;
  /** Features stay on the device that computes them. */
  keepsFeatures: boolean;
  compile: (network: Network, key: Pick<ProgramKey, 'of' | 'precision' | 'form'>) => Promise<Program>;
}

/** The forms in which a transformer is loaded. */
export class TransformerForms {
  readonly #source: TransformerSource;
  readonly #known = new WeakMap<Program, TokensNetwork>();

  constructor(source: TransformerSource) {
    this.#source = source;
  }

  get network(): Network {
    return this.#source.network();
  }

  /** For whole images that are not recorded; the other form if that is loaded. */
  async drawing(precision: Precision): Promise<TokensNetwork> {
    const loaded = this.#recordingForm(precision);
    return this.#tokens(loaded !== undefined, precision, loaded?.storage);
  }

  /** For passes that are recorded, and for parts. The form that only generates is freed first, unless it is small. */
  async editing(precision: Precision, batch: number): Promise<TokensNetwork> {
    const keeps = await this.#keeps(batch);
    await this.#makeRoom(keeps);
    return this.#tokens(true, precision, keeps);
  }

  /** For workers that share an image: features are exchanged as float32. */
  async bands(precision: Precision): Promise<TokensNetwork> {
    await this.#makeRoom(undefined);
    return (await this.#tokens(true, precision)).keeping('float32');
  }

  /** Frees the forms that only generate, and those whose features are elsewhere. */
  async #makeRoom(keeps: DeviceStorage | undefined): Promise<void> {
    if (this.#source.keepsAll || (await this.#source.isSmall())) return;
    await this.#source.programs.free(
      ({ form }) => form.kind === 'tokens' && (!form.part || form.storage !== keeps),
    );
  }

  /** How features stay on the device, if they do. */
  async #keeps(batch: number): Promise<DeviceStorage | undefined> {
    const { backend, keepsFeatures, isSmall } = this.#source;
    if (!keepsFeatures || !keepsTokens(backend.device)) return undefined;
    const features = tokenFeaturesOf(this.network);
    return tokenStorageOf(backend.can.elements, features, { isSmall: await isSmall(), batch });
  }

  async #tokens(part: boolean, precision: Precision, keeps?: DeviceStorage): Promise<TokensNetwork> {
    const { network } = this;
    const { text, rest } = splitText(network);
    const compile = (of: ProgramKey['of'], one: Network, form: Form) =>
      this.#source.compile(one, { of, precision, form });
    const rows = await compile('whole', rest, { kind: 'tokens', part, ...(keeps && { storage: keeps }) });
    const known = this.#known.get(rows);
    if (known) return known;
    const storage = (await this.#source.isSmall()) ? 'float32' : 'int8';
    const putting = keeps && (await compile('whole', rest, { kind: 'putting', storage: keeps }));
    const programs = { rows, text: await compile('text', text, PLANAR), ...(putting && { putting }) };
    const made = new TokensNetwork(programs, network, { part, storage, ...(keeps && { keeps }) });
    this.#known.set(rows, made);
    return made;
  }

  /** The loaded form that records and computes parts, if there is one. */
  #recordingForm(wanted: Precision): { storage?: DeviceStorage } | undefined {
    let found: { storage?: DeviceStorage } | undefined;
    this.#source.programs.has(({ precision, form }) => {
      if (form.kind !== 'tokens' || !form.part || precision !== wanted) return false;
      found = form;
      return true;
    });
    return found;
  }
}
