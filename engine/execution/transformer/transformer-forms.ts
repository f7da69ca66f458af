import type { Precision } from '../../../shared/api.ts';
import type { Network } from '../../graph/network.ts';
import type { Program } from '../backend.ts';
import { type Form, PLANAR } from '../forms/form.ts';
import type { ProgramKey, Programs } from '../programs.ts';
import { splitText } from './split.ts';
import { TokensNetwork } from './tokens-network.ts';

/** The source of the forms of a transformer. */
interface TransformerSource {
  network: () => Network;
  programs: Programs;
  /** Whether all forms stay loaded, instead of making room for each other. */
  keepsAll: boolean;
  /** Whether weights may be loaded twice, and features kept as float32. */
  isSmall: () => Promise<boolean>;
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
    return this.#tokens(this.#isLoaded(precision, true), precision);
  }

  /** For passes that are recorded, and for parts. The form that only generates is freed first, unless it is small. */
  async editing(precision: Precision): Promise<TokensNetwork> {
    if (!this.#source.keepsAll && !(await this.#source.isSmall()))
      await this.#source.programs.free(({ form }) => form.kind === 'tokens' && !form.part);
    return this.#tokens(true, precision);
  }

  /** For workers that share an image: features are exchanged as float32. */
  async bands(precision: Precision): Promise<TokensNetwork> {
    return (await this.editing(precision)).keeping('float32');
  }

  async #tokens(part: boolean, precision: Precision): Promise<TokensNetwork> {
    const { network } = this;
    const { text, rest } = splitText(network);
    const compile = (of: ProgramKey['of'], one: Network, form: Form) =>
      this.#source.compile(one, { of, precision, form });
    const rows = await compile('whole', rest, { kind: 'tokens', part });
    const known = this.#known.get(rows);
    if (known) return known;
    const storage = (await this.#source.isSmall()) ? 'float32' : 'int8';
    const programs = { rows, text: await compile('text', text, PLANAR) };
    const made = new TokensNetwork(programs, network, { part, storage });
    this.#known.set(rows, made);
    return made;
  }

  #isLoaded(wanted: Precision, part: boolean): boolean {
    return this.#source.programs.has(
      ({ precision, form }) => form.kind === 'tokens' && form.part === part && precision === wanted,
    );
  }
}
