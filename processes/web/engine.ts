import { EMBEDDED, isEmbedded } from '../../engine/models/embedded.ts';
import type { Engine } from '../../shared/api.ts';
import type { DeviceChoice } from '../../shared/devices.ts';
import type { Chosen } from '../devices/choose.ts';
import { Ladder } from '../devices/ladder.ts';
import { type EngineWorker, engineWorker, type WorkerOptions } from './client.ts';
import { chooseWebDevice } from './devices.ts';

export interface WebEngineOptions extends WorkerOptions {
  /** Begins to read the files of an embedded model, for which an image asks once the worker has started. */
  readAhead: (model: string) => void;
}

interface WebEngine extends Engine {
  /** The device that the next call runs on; undefined before it is chosen. */
  readonly chosen: Chosen | undefined;
}

/**
 * The engine in a worker, on the device of the user's choice. A GPU may fail: see `Ladder`.
 * @param device asked for at the first call, and after `dispose`
 */
export function webEngine(options: WebEngineOptions, device: () => DeviceChoice): WebEngine {
  const ladder = new Ladder<EngineWorker>({
    onLog: options.onLog,
    choose: (onTry) => chooseWebDevice(options, device(), onTry),
    open: (opened) => engineWorker(options, opened),
  });
  const running = () => ladder.engines.some((engine) => engine.running);
  return {
    ...ladder.calls,
    generate(request, given) {
      const { model = EMBEDDED } = request;
      if (!running() && isEmbedded(model)) options.readAhead(model);
      return ladder.calls.generate(request, given);
    },
    get chosen() {
      return ladder.chosen;
    },
    dispose: () => ladder.end(),
  };
}
