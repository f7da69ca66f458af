import type { Candidate } from '../../engine/backends/devices/candidate.ts';
import { candidates } from '../../engine/backends/node/devices/candidates.ts';
import type { DeviceChoice, DeviceInfo } from '../../shared/devices.ts';
import { type ChoiceOptions, type Chosen, chooseFrom, type DeviceSource, listFrom } from './choose.ts';
import { type TryOptions, tryDevice } from './try.ts';
import { placeOf, Turn } from './turn.ts';

export interface DevicesOptions extends TryOptions, ChoiceOptions {
  /** The machine's, by default. */
  candidates?: readonly Candidate[];
}

/** See `listFrom`: this machine's devices, each tried in a process of its own. */
export async function listDevices(options: DevicesOptions = {}): Promise<DeviceInfo[]> {
  return listFrom(await source(options), options);
}

/** See `chooseFrom`: one of this machine's devices. */
export async function chooseDevice(choice: DeviceChoice, options: DevicesOptions = {}): Promise<Chosen> {
  return chooseFrom(await source(options), choice, options);
}

async function source(options: DevicesOptions): Promise<DeviceSource> {
  return {
    candidates: options.candidates ?? (await candidates()),
    // Beside another process's work a GPU would seem slow.
    tryDevice: ({ id: device, name, software, memoryBytes }) => {
      const attempt = () => tryDevice({ device, name, ...(memoryBytes && { memoryBytes }) }, options);
      if (device === 'cpu') return attempt();
      return new Turn(options.onLog).during(placeOf({ software }), options.signal, attempt);
    },
    list: 'patchwork devices',
  };
}
