import * as z from 'zod';
import { DEVICE_IDS } from '../../../../shared/devices.ts';
import { NodeBackend } from '../backend.ts';
import { DeviceBackend } from './backend.ts';
import { findingsSchema } from './findings.ts';

const deviceSchema = z.object({
  id: z.enum(DEVICE_IDS),
  findings: findingsSchema,
  /** Takes as little of the device's memory as it can: after it ran out of it. */
  small: z.boolean().optional(),
});

/** A device, and how networks run on it. */
export type OpenedDevice = z.infer<typeof deviceSchema>;

export function openBackend({ id, findings, small }: OpenedDevice, threads?: number): NodeBackend {
  return id === 'cpu' ? new NodeBackend(threads) : new DeviceBackend(id, findings, { threads, small });
}

/** A device as the argument of a process; the processor if there is none. */
export function backendOf(argument: string | undefined, threads?: number): NodeBackend {
  return argument ? openBackend(deviceSchema.parse(JSON.parse(argument)), threads) : new NodeBackend(threads);
}
