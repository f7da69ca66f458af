import type { OpenedDevice } from '../../engine/backends/devices/findings.ts';
import type { DeviceChoice } from '../../shared/devices.ts';
import type { ChildOptions } from '../child.ts';
import { type EngineProcess, engineProcess } from '../engine/client.ts';
import { benchmarkOn } from './benchmark.ts';
import type { Chosen } from './choose.ts';
import { chooseDevice, type DevicesOptions } from './devices.ts';
import { Ladder } from './ladder.ts';

interface DeviceEngineOptions extends Omit<ChildOptions, 'title' | 'args'> {
  /** Evaluated at the first call, and after `dispose`. */
  device: () => DeviceChoice;
  /** Megabytes that recorded features may take; see the engine's process. */
  megabytes?: () => number;
  /** How devices are found and tried. */
  devices?: DevicesOptions;
  /** Called when a call waits because the GPU computes for another process. */
  onWait?: () => void;
  /** Milliseconds without progress after which a call on a GPU counts as hung. */
  patience?: number;
}

/** An engine whose device may fail. */
export interface DeviceEngine extends EngineProcess {
  /** The device that the next call runs on; undefined before it is chosen. */
  readonly chosen: Chosen | undefined;
}

/**
 * The engine in a process of its own, on the device of the user's choice. A GPU may fail: see `Ladder`.
 * @throws InputError at a call if the chosen device is not there
 */
export function deviceEngine(options: DeviceEngineOptions): DeviceEngine {
  const { megabytes, device: choice, devices, onWait, patience, ...child } = options;
  const { onLog } = child;
  const ladder = new Ladder<EngineProcess>({
    onLog,
    onWait,
    patience,
    choose: (tell) => {
      const onTry = (name: string) => {
        devices?.onTry?.(name);
        tell();
      };
      return chooseDevice(choice(), { onLog, ...devices, onTry });
    },
    open: (device) => open(device),
  });
  const open = (device: OpenedDevice) => {
    const gpu = device.id === 'cpu' ? [] : [JSON.stringify(device)];
    return engineProcess({ ...child, args: () => [String(megabytes?.() ?? 0), ...gpu] });
  };
  const calls = ladder.calls;
  return {
    ...calls,
    async benchmark(request, options = {}) {
      const asked = new Set(request.devices);
      if (asked.size === 0) return calls.benchmark(request, options);
      // What cannot be used is said before anything is run.
      const chosen: Chosen[] = [];
      for (const id of asked) chosen.push(await chooseDevice(id, { onLog, ...devices }));
      return benchmarkOn(chosen, request, options, (device) => {
        const engine = open(device);
        return {
          benchmark: (of, given) => ladder.alone(device, given?.signal, () => engine.benchmark(of, given)),
          dispose: () => engine.dispose(),
        };
      });
    },
    get pid() {
      return ladder.engines.map(({ pid }) => pid).find((pid) => pid !== undefined);
    },
    get chosen() {
      return ladder.chosen;
    },
    dispose: () => ladder.end(),
  };
}
