import { deviceSchema, type OpenedDevice } from '../../devices/findings.ts';
import { NodeBackend } from '../backend.ts';
import { DeviceBackend } from './backend.ts';

/** The backend of a device; of the processor if there is none. */
export function openBackend(device: OpenedDevice | undefined, threads?: number): NodeBackend {
  if (!device || device.id === 'cpu') return new NodeBackend(threads);
  const { id, findings, small } = device;
  return new DeviceBackend(id, findings, { threads, small });
}

/** A device as the argument of a process. */
export function deviceIn(argument: string | undefined): OpenedDevice | undefined {
  return argument ? deviceSchema.parse(JSON.parse(argument)) : undefined;
}
