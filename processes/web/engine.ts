import type { Engine } from '../../shared/api.ts';
import type { DeviceChoice } from '../../shared/devices.ts';
import type { Chosen } from '../devices/choose.ts';
import { Ladder } from '../devices/ladder.ts';
import { type EngineWorker, engineWorker, type WorkerOptions } from './client.ts';
import { chooseWebDevice } from './devices.ts';

interface WebEngine extends Engine {
  /** The device that the next call runs on; undefined before it is chosen. */
  readonly chosen: Chosen | undefined;
  /** Whether a worker runs. */
  readonly running: boolean;
}

/**
 * The engine in a worker, on the device of the user's choice. A GPU may fail: see `Ladder`.
 * @param device asked for at the first call, and after `dispose`
 */
export function webEngine(options: WorkerOptions, device: () => DeviceChoice): WebEngine {
  const ladder = new Ladder<EngineWorker>({
    onLog: options.onLog,
    choose: () => chooseWebDevice(options, device()),
    open: (opened) => engineWorker(options, opened),
  });
  return {
    ...ladder.calls,
    get chosen() {
      return ladder.chosen;
    },
    get running() {
      return ladder.engines.some(({ running }) => running);
    },
    dispose: () => ladder.end(),
  };
}
