import type { OnnxModel } from '../graph/onnx.ts';
import type { LoadOptions, OperatorTime, Runtime, Session } from '../runtime/runtime.ts';
import type { Count } from './benchmark.ts';
import type { Suite } from './trial.ts';

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

/** Loads every network with the profile on, and notes what its runs are for. */
class ProfilingRuntime implements Runtime {
  readonly #runtime: Runtime;
  readonly #sessions: { session: Session; labels: (number | undefined)[] }[] = [];
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
    const labels: (number | undefined)[] = [];
    this.#sessions.push({ session, labels });
    return {
      run: (inputs, outputs) => {
        labels.push(this.label);
        return session.run(inputs, outputs);
      },
      profile: () => session.profile!(),
      release: () => session.release(),
    };
  }

  /** Ends the profiles; the operators of every run by its label. */
  async end(): Promise<Map<number, OperatorTime[]>> {
    const times = new Map<number, OperatorTime[]>();
    for (const { session, labels } of this.#sessions) {
      const runs = await session.profile!();
      for (const [i, label] of labels.entries())
        if (label !== undefined) times.set(label, [...(times.get(label) ?? []), ...(runs[i] ?? [])]);
    }
    return times;
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
