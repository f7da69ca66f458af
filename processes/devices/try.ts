import type { DeviceCheck } from '../../engine/execution/device-check/check.ts';
import { DEVICE_PROVIDERS } from '../../shared/devices.ts';
import { messageOf } from '../../shared/errorMessage.ts';
import { EngineEndedError, ServedProcess } from '../child.ts';
import { type Script, scriptOf } from '../scripts.ts';
import { type CheckCall, check } from './protocol.ts';

/** Milliseconds that a device may take; compiling its programs for the first time takes a few seconds on most. */
const PATIENCE = 180_000;

export interface TryOptions extends Partial<Script> {
  /** Milliseconds, for tests. */
  patience?: number;
  onLog?: (line: string) => void;
  signal?: AbortSignal;
}

/** Tries a device alone, in a process of its own. If that process crashes or hangs, the device counts as faulty. */
export async function tryDevice(call: CheckCall, options: TryOptions = {}): Promise<DeviceCheck> {
  const { patience = PATIENCE, onLog, signal } = options;
  const script = options.script ? { script: options.script, execArgv: options.execArgv } : deviceScript();
  const title = `The process that tries ${DEVICE_PROVIDERS[call.device]}`;
  const child = new ServedProcess({ ...script, title, onLog });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void child.end('It took too long.', 'SIGKILL');
  }, patience);
  try {
    return await child.call(check, call, { signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    if (late) return fault(`it did not answer within ${Math.round(patience / 1000)} s`);
    if (error instanceof EngineEndedError) return fault('it ended the process that tried it');
    return fault(firstLine(messageOf(error)));
  } finally {
    clearTimeout(timer);
    await child.end('It was tried.', 'SIGKILL');
  }
}

function fault(reason: string): DeviceCheck {
  return { wrong: [], fault: reason };
}

/** The first line of a runtime's message, which may be pages long. */
function firstLine(message: string): string {
  const [line = ''] = message.split('\n');
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

function deviceScript(): Script {
  return scriptOf('device', import.meta.url);
}
