import path from 'node:path';
import { ForgottenError, InputError, isAbort, messageOf } from '../../engine/errors.ts';
import { cacheFolder } from '../../engine/host/node/cache-folder.ts';
import type { OpenedDevice } from '../../engine/host/node/devices/open.ts';
import { withLock } from '../../engine/host/node/hub/lock.ts';
import { type CallOptions, ENGINE_CALLS, type EngineCall, type EngineCalls } from '../../shared/api.ts';
import { DEVICE_PROVIDERS, type DeviceChoice } from '../../shared/devices.ts';
import type { ChildOptions } from '../child.ts';
import { type EngineProcess, engineProcess } from '../engine/client.ts';
import { type Chosen, chooseDevice, type DevicesOptions } from './devices.ts';

interface DeviceEngineOptions extends Omit<ChildOptions, 'title' | 'args'> {
  /** Evaluated at the first call, and after `dispose`. */
  device: () => DeviceChoice;
  /** Megabytes that recorded features may take; see the engine's process. */
  megabytes?: () => number;
  /** How devices are found and tried. */
  devices?: DevicesOptions;
  /** Milliseconds without progress after which a call on a GPU counts as hung. */
  patience?: number;
}

/** Loading a large model or compiling its programs may take this long without progress on slow devices. */
const PATIENCE = 300_000;
/** Failed calls in a row after which the processor is used from the start. */
const MOST_FAILURES = 2;

/** An engine whose device may fail. */
export interface DeviceEngine extends EngineProcess {
  /** The device that the next call runs on; undefined before it is chosen. */
  readonly chosen: Chosen | undefined;
}

/**
 * The engine in a process of its own, on the device of the user's choice. If a GPU fails, its process is replaced and the
 * call is made again with as little of its memory as possible, then on the processor; the result says so.
 * @throws InputError at a call if the chosen device is not there
 */
export function deviceEngine(options: DeviceEngineOptions): DeviceEngine {
  const ladder = new Ladder(options);
  const names = Object.keys(ENGINE_CALLS) as EngineCall[];
  const calls = names.map(
    (name) =>
      [name, (request: unknown, given?: CallOptions<unknown>) => ladder.call(name, request, given)] as const,
  );
  return {
    ...(Object.fromEntries(calls) as EngineCalls),
    get pid() {
      return ladder.pid;
    },
    get chosen() {
      return ladder.chosen;
    },
    dispose: () => ladder.end(),
  };
}

/** One way to compute, and its process. */
interface Rung {
  device: OpenedDevice;
  engine: EngineProcess;
}

/** The ways to compute, the best first. */
class Ladder {
  readonly #options: DeviceEngineOptions;
  #chosen: Promise<Chosen> | undefined;
  #rungs: Rung[] = [];
  #failures = 0;
  readonly #turn: Turn;
  chosen: Chosen | undefined;

  constructor(options: DeviceEngineOptions) {
    this.#options = options;
    this.#turn = new Turn(options.onLog);
  }

  get pid(): number | undefined {
    return this.#rungs.map(({ engine }) => engine.pid).find((pid) => pid !== undefined);
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
    const rungs = await this.#open();
    const notices: string[] = [];
    const first = this.#failures >= MOST_FAILURES ? rungs.length - 1 : 0;
    for (let at = first; ; at++) {
      const rung = rungs[at]!;
      try {
        const result = await this.#callOn(rung, name, request, given);
        if (at === 0) this.#failures = 0;
        return withNotices(result, notices);
      } catch (error) {
        if (at === rungs.length - 1 || !isDeviceFault(error, at)) throw error;
        await rung.engine.dispose();
        const next = rungs[at + 1]!;
        if (next.device.id === 'cpu') this.#failures++;
        const notice = noticeOf(rung.device, next.device, error);
        this.#options.onLog?.(notice);
        notices.push(notice);
      }
    }
  }

  async #callOn(
    { device, engine }: Rung,
    name: EngineCall,
    request: unknown,
    given: CallOptions<unknown>,
  ): Promise<unknown> {
    const run = engine[name] as (request: unknown, options: CallOptions<unknown>) => Promise<unknown>;
    if (device.id === 'cpu') return run(request, given);
    await this.#turn.enter(device.id, given.signal);
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
    engine: EngineProcess,
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

  async #open(): Promise<readonly Rung[]> {
    const { device, devices, onLog } = this.#options;
    this.#chosen ??= chooseDevice(device(), { onLog, ...devices });
    const choosing = this.#chosen;
    try {
      this.chosen = await choosing;
    } catch (error) {
      // Another device, or a later state of the machine, may succeed.
      if (this.#chosen === choosing) this.#chosen = undefined;
      throw error;
    }
    if (this.#rungs.length === 0) this.#rungs = ways(this.chosen).map((way) => this.#rung(way));
    return this.#rungs;
  }

  #rung(device: OpenedDevice): Rung {
    const { megabytes, device: _, devices: __, patience: ___, ...child } = this.#options;
    const args = () => [String(megabytes?.() ?? 0), ...(device.id === 'cpu' ? [] : [JSON.stringify(device)])];
    return { device, engine: engineProcess({ ...child, args }) };
  }
}

/** A GPU, the same with less memory, the processor. */
function ways(chosen: Chosen): OpenedDevice[] {
  const processor: OpenedDevice = { id: 'cpu', findings: { name: 'the processor', wrong: [] } };
  return chosen.id === 'cpu' ? [processor] : [chosen, { ...chosen, small: true }, processor];
}

/**
 * Whether another way to compute may succeed. A wrong request stays wrong. But what does not fit a device with less
 * memory may fit elsewhere.
 */
function isDeviceFault(error: unknown, at: number): boolean {
  if (isAbort(error) || error instanceof ForgottenError) return false;
  return at > 0 || !(error instanceof InputError);
}

function noticeOf(failed: OpenedDevice, next: OpenedDevice, error: unknown): string {
  const where = `${failed.findings.name} (${DEVICE_PROVIDERS[failed.id]})`;
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

/** Milliseconds that this process keeps its turn on a GPU after its last call. */
const PAUSE = 1000;

/** This process's turn on a GPU, which computes for one process at a time. */
class Turn {
  readonly #onLog: ((line: string) => void) | undefined;
  #calls = 0;
  #held: Promise<void> | undefined;
  #release: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(onLog: ((line: string) => void) | undefined) {
    this.#onLog = onLog;
  }

  async enter(device: string, signal?: AbortSignal): Promise<void> {
    clearTimeout(this.#timer);
    this.#calls++;
    try {
      this.#held ??= this.#take(device, signal);
      await this.#held;
    } catch (error) {
      this.#held = undefined;
      this.#calls--;
      throw error;
    }
  }

  /** Releases the turn after a moment, unless another call comes. */
  async pause(): Promise<void> {
    this.#calls--;
    if (this.#calls > 0) return;
    this.#timer = setTimeout(() => void this.leave(), PAUSE);
    this.#timer.unref();
  }

  async leave(): Promise<void> {
    if (this.#calls > 0) return;
    clearTimeout(this.#timer);
    this.#held = undefined;
    this.#release?.();
    this.#release = undefined;
  }

  #take(device: string, signal?: AbortSignal): Promise<void> {
    const file = path.join(cacheFolder(), `device-${device}.lock`);
    let waited = false;
    const onWait = () => {
      if (!waited) this.#onLog?.('The GPU computes for another window; this one waits.');
      waited = true;
    };
    return new Promise((taken, failed) => {
      const hold = () =>
        new Promise<void>((release) => {
          this.#release = release;
          taken();
        });
      withLock(file, hold, { onWait, ...(signal && { signal }) }).catch(failed);
    });
  }
}
