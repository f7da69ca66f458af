import type { DeviceId } from '../../../shared/devices.ts';

/** A device that this machine may have, before anything has been computed on it. */
export interface Candidate {
  id: DeviceId;
  name: string;
  software: boolean;
  /** Whether the system lists hardware for it. If not, it is tried only if the user names it. */
  found: boolean;
  memoryBytes?: number;
  /** Changes with the device, its driver and ONNX Runtime: findings are valid as long as this stays the same. */
  identity: string;
  /** Why it cannot even be tried. */
  missing?: string;
}
