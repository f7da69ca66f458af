import { deviceSchema, type OpenedDevice } from '../../devices/findings.ts';
import { NodeBackend } from '../backend.ts';
import { DeviceBackend } from './backend.ts';

export function openBackend({ id, findings, small }: OpenedDevice, threads?: number): NodeBackend {
  return id === 'cpu' ? new NodeBackend(threads) : new DeviceBackend(id, findings, { threads, small });
}

/** A device as the argument of a process; the processor if there is none. */
export function backendOf(argument: string | undefined, threads?: number): NodeBackend {
  return argument ? openBackend(deviceSchema.parse(JSON.parse(argument)), threads) : new NodeBackend(threads);
}
