import type { OpenedDevice } from '../../engine/backends/devices/findings.ts';
import { ForgottenError, InputError, isAbort } from '../../engine/errors.ts';
import { isMemoryRefusal } from '../../engine/execution/memory-refusal.ts';
import {
  type CallOptions,
  ENGINE_CALLS,
  type Engine,
  type EngineCall,
  type EngineCalls,
  type GenerateProgress,
} from '../../shared/api.ts';
import { DEVICE_PROVIDERS } from '../../shared/devices.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import type { Chosen } from './choose.ts';
import { placeOf, Turn } from './turn.ts';

/** Loading a large model or compiling its programs may take this long without progress on slow devices. */
const PATIENCE = 300_000;
/** Failed calls in a row after which the processor is used from the start. */
const MOST_FAILURES = 2;

interface LadderOptions<E extends Engine> {
  /** Asked at the first call, and after `end`. @param onTry called before a device is tried for the first time */
  choose(onTry: () => void): Promise<Chosen>;
  /** An engine that starts with its first call. */
  open(device: OpenedDevice): E;
  onLog?: (line: string) => void;
  /** Called when a call waits for the turn on a GPU that another process has. */
  onWait?: (() => void) | undefined;
  /** Milliseconds without progress after which a call on a GPU is taken to hang. */
  patience?: number;
}

/** One way to compute. */
interface Rung<E extends Engine> {
  device: OpenedDevice;
  engine: E;
}

/**
 * The ways to compute, the best first. If a GPU fails, its engine is ended and the call is made again with as little of
 * its memory as possible, then on the processor; the result says so.
 */
export class Ladder<E extends Engine> {
  readonly #options: LadderOptions<E>;
  #chosen: Promise<Chosen> | undefined;
  /** What calls that wait for the choice are told once a device is tried. */
  readonly #onTry = new Set<() => void>();
  #tries = false;
  #rungs: Rung<E>[] = [];
  #failures = 0;
  readonly #turn: Turn;
  chosen: Chosen | undefined;

  constructor(options: LadderOptions<E>) {
    this.#options = options;
    this.#turn = new Turn(options.onLog);
  }

  /** The engine's calls, each on the best way that does not fail. */
  get calls(): EngineCalls {
    const names = Object.keys(ENGINE_CALLS) as EngineCall[];
    const calls = names.map(
      (name) =>
        [name, (request: unknown, given?: CallOptions<unknown>) => this.call(name, request, given)] as const,
    );
    return Object.fromEntries(calls) as EngineCalls;
  }

  get engines(): E[] {
    return this.#rungs.map(({ engine }) => engine);
  }

  async end(): Promise<void> {
    const rungs = this.#rungs;
    this.#rungs = [];
    this.#chosen = undefined;
    this.chosen = undefined;
    this.#failures = 0;
    await Promise.all(rungs.map(({ engine }) => engine.dispose()));
    await this.#turn.leave();
  }

  async call(name: EngineCall, request: unknown, given: CallOptions<unknown> = {}): Promise<unknown> {
    const tell = teller(name, given);
    const onWait = () => {
      this.#options.onWait?.();
      tell('turn');
    };
    const rungs = await this.#open(() => tell('try'));
    const notices: string[] = [];
    const first = this.#failures >= MOST_FAILURES ? rungs.length - 1 : 0;
    for (let at = first; ; at++) {
      const rung = rungs[at]!;
      try {
        const result = await this.#callOn(rung, name, request, given, onWait);
        if (at === 0) this.#failures = 0;
        return withNotices(result, notices);
      } catch (error) {
        const last = rungs.length - 1;
        // Figures of another device would be wrong ones.
        if (at === last || name === 'benchmark' || !isDeviceFault(error, at)) throw error;
        await rung.engine.dispose();
        // A call that does not fit into the device's memory does not fit into less of it either. The device works.
        const isTooLarge = isMemoryRefusal(error);
        if (isTooLarge) at = last - 1;
        const next = rungs[at + 1]!;
        if (next.device.id === 'cpu' && !isTooLarge) this.#failures++;
        const notice = isTooLarge
          ? `This was computed on the processor: on ${nameOf(rung.device)} ${messageOf(error)}`
          : noticeOf(rung.device, next.device, error);
        this.#options.onLog?.(notice);
        notices.push(notice);
      }
    }
  }

  /**
   * Runs something on a device beside the ways to compute, when it is this process's turn there. What they hold of a
   * GPU's memory is freed first, unless they compute.
   */
  async alone<Result>(
    { id, findings }: OpenedDevice,
    signal: AbortSignal | undefined,
    run: () => Promise<Result>,
  ): Promise<Result> {
    if (id === 'cpu') return run();
    const idle = this.#turn.isIdle ? this.#rungs.filter(({ device }) => device.id !== 'cpu') : [];
    for (const { engine } of idle) await engine.dispose();
    await this.#turn.enter(placeOf(findings), signal, this.#options.onWait);
    try {
      return await run();
    } finally {
      await this.#turn.pause();
    }
  }

  async #callOn(
    { device, engine }: Rung<E>,
    name: EngineCall,
    request: unknown,
    given: CallOptions<unknown>,
    onWait: () => void,
  ): Promise<unknown> {
    const run = engine[name] as (request: unknown, options: CallOptions<unknown>) => Promise<unknown>;
    if (device.id === 'cpu') return run(request, given);
    await this.#turn.enter(placeOf(device.findings), given.signal, onWait);
    try {
      return await this.#watched((options) => run(request, options), given, engine);
    } finally {
      // The next call of this window follows at once. Others get their turn when this window has no call.
      await this.#turn.pause();
    }
  }

  /** Ends the process of a call that makes no progress. */
  async #watched(
    run: (options: CallOptions<unknown>) => Promise<unknown>,
    { signal, onProgress }: CallOptions<unknown>,
    engine: Engine,
  ): Promise<unknown> {
    const { patience = PATIENCE } = this.#options;
    let hanging = false;
    const hang = () => {
      hanging = true;
      void engine.dispose();
    };
    let timer = setTimeout(hang, patience);
    const report = (progress: unknown) => {
      clearTimeout(timer);
      timer = setTimeout(hang, patience);
      onProgress?.(progress);
    };
    try {
      return await run({ signal, onProgress: report });
    } catch (error) {
      if (hanging)
        throw new Error(`it made no progress for ${Math.round(patience / 1000)} s`, { cause: error });
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #choose(): Promise<Chosen> {
    try {
      return await this.#options.choose(() => {
        this.#tries = true;
        for (const tell of this.#onTry) tell();
      });
    } finally {
      this.#tries = false;
    }
  }

  async #open(onTry: () => void): Promise<readonly Rung<E>[]> {
    const choosing = this.#chosen ?? this.#choose();
    this.#chosen = choosing;
    this.#onTry.add(onTry);
    if (this.#tries) onTry();
    let chosen: Chosen;
    try {
      chosen = await choosing;
    } catch (error) {
      // Another device, or a later state of the machine, may succeed.
      if (this.#chosen === choosing) this.#chosen = undefined;
      throw error;
    } finally {
      this.#onTry.delete(onTry);
    }
    // It was ended in the meantime: the choice may be another one now.
    if (this.#chosen !== choosing) return this.#open(onTry);
    this.chosen = chosen;
    if (this.#rungs.length === 0)
      this.#rungs = ways(chosen).map((device) => ({ device, engine: this.#options.open(device) }));
    return this.#rungs;
  }
}

/** Calls whose progress has stages; see `GenerateProgress`. */
const STAGED: readonly EngineCall[] = ['generate', 'edit', 'prepareEdit', 'upscale'];

/** Tells a call's progress what it waits for before the engine begins. */
function teller(name: EngineCall, { onProgress }: CallOptions<unknown>): (stage: 'try' | 'turn') => void {
  if (!STAGED.includes(name)) return () => {};
  return (stage) => onProgress?.({ stage, step: 0, steps: 0 } satisfies GenerateProgress);
}

/** A GPU, the same with less memory, the processor. */
function ways(chosen: Chosen): OpenedDevice[] {
  const processor: OpenedDevice = { id: 'cpu', findings: { name: 'the processor', wrong: [] } };
  return chosen.id === 'cpu' ? [processor] : [chosen, { ...chosen, small: true }, processor];
}

/**
 * Whether another way to compute may succeed. An invalid request stays invalid; but what does not fit into the memory
 * of a device may fit elsewhere.
 */
function isDeviceFault(error: unknown, at: number): boolean {
  if (isAbort(error) || error instanceof ForgottenError) return false;
  return at > 0 || !(error instanceof InputError) || isMemoryRefusal(error);
}

function nameOf({ id, findings }: OpenedDevice): string {
  return `${findings.name} (${DEVICE_PROVIDERS[id]})`;
}

function noticeOf(failed: OpenedDevice, next: OpenedDevice, error: unknown): string {
  const where = nameOf(failed);
  const why = messageOf(error).split('\n')[0]!.slice(0, 200);
  return next.id === 'cpu'
    ? `${where} failed again, so this was computed on the processor: ${why}`
    : `${where} failed, so this was computed with less of its memory: ${why}`;
}

/** Adds sentences for the user to results that have warnings. */
function withNotices(result: unknown, notices: readonly string[]): unknown {
  if (notices.length === 0 || typeof result !== 'object' || result === null) return result;
  const { warnings } = result as { warnings?: unknown };
  return Array.isArray(warnings) ? { ...result, warnings: [...notices.slice(-1), ...warnings] } : result;
}
