import type { DeviceId } from '../../../shared/devices.ts';
import type { DeviceStorage } from '../../regions/features.ts';
import { rowsFeaturesOf, type TokenFeatures } from '../../regions/token-features.ts';
import type { Capabilities } from '../backend.ts';

/** Whether features of transformers can stay on a device. Other interfaces to GPUs return results to main memory. */
export function keepsTokens(device: DeviceId): boolean {
  return device !== 'dml' && device !== 'cuda';
}

/**
 * How a transformer's rows are recorded on a device: in bytes, as in main memory; those of a small one in half precision;
 * with guidance those of linear attention and of convolutions in half a byte. Undefined for main memory.
 */
export function tokenStorageOf(
  elements: Capabilities['elements'],
  features: TokenFeatures,
  { isSmall, batch }: { isSmall: boolean; batch: number },
): DeviceStorage | undefined {
  const halves = elements.includes('float16');
  if (isSmall) return halves ? 'float16' : 'float32';
  const isPacked = batch === 2 && rowsFeaturesOf(features).some(({ bits }) => bits !== undefined);
  if (isPacked) return elements.includes('uint8') ? 'nibbles' : undefined;
  if (elements.includes('uint8')) return 'uint8';
  return halves ? 'float16' : undefined;
}
