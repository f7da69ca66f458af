import { randomUUID } from 'node:crypto';
import { type FileSystem, Uri } from 'vscode';
import * as z from 'zod';
import type { BenchmarkResult } from '../../shared/api.ts';
import type { RunSummary, StoredRun } from '../../shared/benchmark/protocol.ts';
import { reportSchema } from '../../shared/benchmark/schema.ts';
import { makeFolder, writeAtomically } from '../save.ts';

/** How many runs are kept. */
const KEPT = 100;

const storedRun = z.object({
  id: z.uuid(),
  report: reportSchema,
  asked: z.string().optional(),
  tookSeconds: z.number().nonnegative().optional(),
}) satisfies z.ZodType<StoredRun>;

/** Finished benchmarks, kept in the extension's storage for the workspace: a folder each, with its pictures. */
export class BenchmarkStore {
  readonly #fs: FileSystem;
  readonly #folder: Uri;

  constructor(fs: FileSystem, storage: Uri) {
    this.#fs = fs;
    this.#folder = Uri.joinPath(storage, 'benchmarks');
  }

  /** @param made what the panel knows about a run of its own */
  async add(
    { report, pictures }: BenchmarkResult,
    made: Pick<StoredRun, 'asked' | 'tookSeconds'> = {},
  ): Promise<StoredRun> {
    const run: StoredRun = { id: randomUUID(), report, ...made };
    await makeFolder(this.#fs, this.#file(run.id));
    try {
      for (const [name, png] of Object.entries(pictures))
        await writeAtomically(this.#fs, this.#picture(run.id, name), png);
      // Last, because a run exists once its report does.
      const json = new TextEncoder().encode(JSON.stringify(run));
      await writeAtomically(this.#fs, this.#file(run.id, 'run.json'), json);
    } catch (error) {
      await this.#fs.delete(this.#file(run.id), { recursive: true }).then(undefined, () => {});
      throw error;
    }
    return run;
  }

  /** Undefined if it is no longer kept or cannot be read. */
  async find(id: string): Promise<StoredRun | undefined> {
    try {
      const json = await this.#fs.readFile(this.#file(id, 'run.json'));
      return storedRun.parse(JSON.parse(new TextDecoder().decode(json)));
    } catch {
      return undefined;
    }
  }

  async picture(id: string, name: string): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.#fs.readFile(this.#picture(id, name)));
  }

  /** All runs, newest first; the oldest beyond a bound are removed. */
  async list(): Promise<RunSummary[]> {
    const entries = await this.#fs.readDirectory(this.#folder).then(undefined, () => []);
    const found = await Promise.all(entries.map(([name]) => this.find(name)));
    const runs = found.filter((run) => run !== undefined).map(summaryOf);
    runs.sort((a, b) => b.date.localeCompare(a.date));
    // Runs that cannot be removed are left out as well.
    for (const { id } of runs.slice(KEPT)) await this.remove(id).catch(() => {});
    return runs.slice(0, KEPT);
  }

  async remove(id: string): Promise<void> {
    await this.#fs.delete(this.#file(id), { recursive: true });
  }

  #picture(id: string, name: string): Uri {
    // Names come back from pages.
    if (!/^[\p{L}\p{N}.-]+$/u.test(name) || /^\.+$/.test(name))
      throw new Error(`There is no picture ${name}.`);
    return this.#file(id, `${name}.png`);
  }

  #file(id: string, ...path: string[]): Uri {
    if (!/^[0-9a-f-]{36}$/.test(id)) throw new Error(`No benchmark has the id ${id}.`);
    return Uri.joinPath(this.#folder, id, ...path);
  }
}

export function summaryOf({ id, report, asked, tookSeconds }: StoredRun): RunSummary {
  const { date, model, width, height, steps, guidance } = report;
  return { id, date, model, width, height, steps, guidance, asked, tookSeconds };
}
