import type { BenchmarkRow, OperatorTime } from '../../shared/benchmark/report.ts';
import type { Backend, CompileOptions, Program } from '../execution/backend.ts';
import { WrappedBackend } from '../execution/wrapped-backend.ts';
import { type DeviceTensor, isHeld, type Tensor } from '../graph/tensor.ts';
import type { Count, Suite } from './trial.ts';

/**
 * Operators of one run of each trial, slowest first, and what a GPU's runs copy. Programs are loaded again with profiling
 * enabled.
 */
export async function profiled(
  backend: Backend,
  open: (backend: Backend) => Promise<Suite>,
  onCount: Count,
  signal?: AbortSignal,
): Promise<Profile[]> {
  const profiling = new ProfilingBackend(backend);
  const { trials, release } = await open(profiling);
  try {
    for (const [i, trial] of trials.entries()) {
      signal?.throwIfAborted();
      onCount(i, trials.length);
      const { run } = await trial.prepare();
      await run(0);
      profiling.label = i;
      await run(1);
      profiling.label = undefined;
    }
    const byTrial = await profiling.end();
    onCount(trials.length, trials.length);
    return trials.map((_, i): Profile => {
      const operators = sum(byTrial.get(i) ?? []);
      if (backend.device === 'cpu') return { operators };
      const inside = operators.reduce((bytes, { copiedBytes = 0 }) => bytes + copiedBytes, 0);
      return { operators, copiedBytes: inside + (profiling.passed.get(i) ?? 0) };
    });
  } finally {
    await release();
  }
}

/** What a profile adds to a row. */
type Profile = Pick<BenchmarkRow, 'operators' | 'copiedBytes'>;

/** A loaded network, with a label for each of its runs so far. */
interface Profiled {
  program: Program;
  labels: (number | undefined)[];
}

/** Loads every network with profiling enabled, and labels its runs. */
class ProfilingBackend extends WrappedBackend {
  readonly #loaded = new Set<Profiled>();
  readonly #times = new Map<number, OperatorTime[]>();
  /** Bytes of inputs and outputs in main memory, by label. */
  readonly passed = new Map<number, number>();
  /** Label of the next runs; undefined for runs that do not count. */
  label: number | undefined;

  protected async loaded(load: (more: CompileOptions) => Promise<Program>): Promise<Program> {
    return this.#watched(await load({ profile: true }));
  }

  #watched(program: Program): Program {
    const loaded: Profiled = { program, labels: [] };
    this.#loaded.add(loaded);
    return {
      run: async (inputs, outputs) => {
        loaded.labels.push(this.label);
        this.#count(inputs);
        const results = await program.run(inputs, outputs);
        this.#count(results);
        return results;
      },
      runKept: (inputs, outputs) => {
        loaded.labels.push(this.label);
        this.#count(inputs);
        return program.runKept(inputs, outputs);
      },
      // A profile can only be read before its program is released.
      release: async () => {
        await this.#read(loaded);
        await program.release();
      },
    };
  }

  #count(tensors: Readonly<Record<string, Tensor | DeviceTensor>>): void {
    if (this.label === undefined) return;
    const held = Object.values(tensors).filter((tensor) => isHeld(tensor));
    const bytes = held.reduce((sum, { data }) => sum + data.byteLength, 0);
    this.passed.set(this.label, (this.passed.get(this.label) ?? 0) + bytes);
  }

  /** Ends profiling of the networks that are still loaded. Returns the operators of each run by label. */
  async end(): Promise<ReadonlyMap<number, OperatorTime[]>> {
    for (const loaded of this.#loaded) await this.#read(loaded);
    return this.#times;
  }

  async #read(loaded: Profiled): Promise<void> {
    const { program, labels } = loaded;
    if (!this.#loaded.delete(loaded) || labels.every((label) => label === undefined)) return;
    const runs = await program.profile!();
    for (const [i, label] of labels.entries())
      if (label !== undefined)
        this.#times.set(label, [...(this.#times.get(label) ?? []), ...(runs[i] ?? [])]);
  }
}

/** One entry for each operator, slowest first. */
function sum(times: readonly OperatorTime[]): OperatorTime[] {
  const totals = new Map<string, OperatorTime>();
  for (const time of times) {
    const key = `${time.operator} ${time.onProcessor ?? false}`;
    const total = totals.get(key) ?? { ...time, calls: 0, seconds: 0, copiedBytes: 0 };
    const copiedBytes = (total.copiedBytes ?? 0) + (time.copiedBytes ?? 0);
    const { copiedBytes: _, ...rest } = total;
    totals.set(key, {
      ...rest,
      calls: total.calls + time.calls,
      seconds: total.seconds + time.seconds,
      ...(copiedBytes > 0 && { copiedBytes }),
    });
  }
  return [...totals.values()].sort((a, b) => b.seconds - a.seconds);
}
