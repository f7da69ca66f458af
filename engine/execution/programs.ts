import type { Precision } from '../../shared/api.ts';
import type { NetworkRole } from '../models/networks.ts';
import type { Program } from './backend.ts';
import type { Form } from './forms/form.ts';

/** Identifies a program: the network, its precision and its form. */
export interface ProgramKey {
  role: NetworkRole;
  /**
   * The whole network of the role, the same with its deep features or what follows them (see `unet/shallow.ts`), one of
   * their conditioning networks (see `forms/conditioning.ts`), or its coarse stages (see `regions/stages.ts`).
   */
  of: 'whole' | 'giving' | 'shallow' | 'text' | 'shift' | 'shallow-text' | 'shallow-shift' | 'coarse';
  precision: Precision;
  form: Form;
  /** Threads of a run, if not those of the model. */
  threads?: number;
}

interface Entry {
  key: ProgramKey;
  program: Promise<Program>;
}

/** The loaded programs of a model. */
export class Programs {
  readonly #entries: Entry[] = [];

  /** The program of a key. Calls `compile` if it is not loaded; a failure is not remembered. */
  get(key: ProgramKey, compile: () => Promise<Program>): Promise<Program> {
    const known = this.#find(key);
    if (known) return known.program;
    const entry = { key, program: compile() };
    this.#entries.push(entry);
    entry.program.catch(() => this.#remove(entry));
    return entry.program;
  }

  /** Whether the program of a key is loaded, or is being loaded. */
  holds(key: ProgramKey): boolean {
    return this.#find(key) !== undefined;
  }

  /** Whether a program that matches is loaded, or is being loaded. */
  has(matches: (key: ProgramKey) => boolean): boolean {
    return this.#entries.some(({ key }) => matches(key));
  }

  /** Frees the programs that match. */
  async free(matches: (key: ProgramKey) => boolean): Promise<void> {
    for (const entry of this.#entries.filter(({ key }) => matches(key))) {
      this.#remove(entry);
      await entry.program.then((program) => program.release()).catch(() => {});
    }
  }

  #find(key: ProgramKey): Entry | undefined {
    return this.#entries.find((entry) => isSame(entry.key, key));
  }

  #remove(entry: Entry): void {
    const index = this.#entries.indexOf(entry);
    if (index >= 0) this.#entries.splice(index, 1);
  }
}

function isSame(a: ProgramKey, b: ProgramKey): boolean {
  const isSameNetwork = a.role === b.role && a.of === b.of && a.precision === b.precision;
  return isSameNetwork && a.threads === b.threads && isSameForm(a.form, b.form);
}

function isSameForm(a: Form, b: Form): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'tokens' && b.kind === 'tokens') return a.part === b.part && a.storage === b.storage;
  if ('storage' in a && 'storage' in b) return a.storage === b.storage;
  if (a.kind !== 'rows' || b.kind !== 'rows') return true;
  const [one, other] = [a.options, b.options];
  return (
    one.foldUpsampling === other.foldUpsampling &&
    one.storage === other.storage &&
    one.statistics === other.statistics &&
    one.attention === other.attention &&
    String(one.rectangles ?? []) === String(other.rectangles ?? []) &&
    (one.watch ?? false) === (other.watch ?? false)
  );
}
