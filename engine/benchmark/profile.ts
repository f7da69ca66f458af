import type { OperatorTime } from '../../shared/benchmark/report.ts';
import type { OnnxModel } from '../execution/lowering/onnx/onnx.ts';
import type { LoadOptions, Runtime, Session } from '../execution/runtime.ts';
import type { Count, Suite } from './trial.ts';

/** Operators of one run of each trial, the longest first; sessions are loaded anew for it, with the profile on. */
export async function profiled(
  runtime: Runtime,
  open: (runtime: Runtime) => Promise<Suite>,
  onCount: Count,
  signal?: AbortSignal,
): Promise<OperatorTime[][]> {
  const profiling = new ProfilingRuntime(runtime);
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
    return trials.map((_, i) => sum(byTrial.get(i) ?? []));
  } finally {
    await release();
  }
}

/** A loaded network, and what each of its runs so far was for. */
interface Profiled {
  session: Session;
  labels: (number | undefined)[];
}

/** Loads every network with the profile on, and notes what its runs are for. */
class ProfilingRuntime implements Runtime {
  readonly #runtime: Runtime;
  readonly #loaded = new Set<Profiled>();
  readonly #times = new Map<number, OperatorTime[]>();
  /** What the next runs are for; undefined: nothing that counts. */
  label: number | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  get threads() {
    return this.#runtime.threads;
  }

  get memoryBytes() {
    return this.#runtime.memoryBytes;
  }

  get machine() {
    return this.#runtime.machine;
  }

  availableBytes() {
    return this.#runtime.availableBytes();
  }

  peakBytes() {
    return this.#runtime.peakBytes();
  }

  async load(model: OnnxModel, options: LoadOptions): Promise<Session> {
    const session = await this.#runtime.load(model, { ...options, profile: true });
    const loaded: Profiled = { session, labels: [] };
    this.#loaded.add(loaded);
    return {
      run: (inputs, outputs) => {
        loaded.labels.push(this.label);
        return session.run(inputs, outputs);
      },
      // A profile can only be read while its session is there.
      release: async () => {
        await this.#read(loaded);
        await session.release();
      },
    };
  }

  /** Ends the profiles of the networks that are still loaded; the operators of every run by its label. */
  async end(): Promise<ReadonlyMap<number, OperatorTime[]>> {
    for (const loaded of this.#loaded) await this.#read(loaded);
    return this.#times;
  }

  async #read(loaded: Profiled): Promise<void> {
    const { session, labels } = loaded;
    if (!this.#loaded.delete(loaded) || labels.every((label) => label === undefined)) return;
    const runs = await session.profile!();
    for (const [i, label] of labels.entries())
      if (label !== undefined)
        this.#times.set(label, [...(this.#times.get(label) ?? []), ...(runs[i] ?? [])]);
  }
}

/** One entry for each operator, the longest first. */
function sum(times: readonly OperatorTime[]): OperatorTime[] {
  const totals = new Map<string, OperatorTime>();
  for (const { operator, calls, seconds } of times) {
    const total = totals.get(operator) ?? { operator, calls: 0, seconds: 0 };
    totals.set(operator, { operator, calls: total.calls + calls, seconds: total.seconds + seconds });
  }
  return [...totals.values()].sort((a, b) => b.seconds - a.seconds);
}
