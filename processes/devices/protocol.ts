import { RequestType } from 'vscode-jsonrpc/node';
import type { DeviceCheck } from '../../engine/execution/device-check/check.ts';
import type { DeviceId } from '../../shared/devices.ts';
import { type Method, noProgress } from '../engine/protocol.ts';

export interface CheckCall {
  device: DeviceId;
  name: string;
  memoryBytes?: number;
}

/** What a process for trying a device is asked, once: compare its results with the processor's, and time a step. */
export const check: Method<CheckCall, never, DeviceCheck> = {
  request: new RequestType('check'),
  progress: noProgress(),
};
