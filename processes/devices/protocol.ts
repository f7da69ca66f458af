import { RequestType } from 'vscode-jsonrpc';
import type { DeviceCheck } from '../../engine/execution/device-check/check.ts';
import type { DeviceId } from '../../shared/devices.ts';
import { type Method, noProgress } from '../engine/protocol.ts';

export interface CheckCall {
  device: DeviceId;
  name: string;
  memoryBytes?: number;
}

/** The request to a process that tries a device: compare results with the processor's, and time a step. */
export const check: Method<CheckCall, never, DeviceCheck> = {
  request: new RequestType('check'),
  progress: noProgress(),
};
