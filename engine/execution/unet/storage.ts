import { isFloat, type Precision } from '../../../shared/api.ts';
import type { DeviceStorage, RowStorage } from '../../regions/features.ts';
import type { Capabilities } from '../backend.ts';

interface Recording {
  /** Features stay on the device that computes them. */
  keepsFeatures: boolean;
  /** See `UNetForms.isSmall`. */
  isSmall: boolean;
  precision: Precision;
}

/** How a U-Net records rows. Those of a small one are never bytes: its edits would be farther from the dense ones. */
export function storageOf(
  { operator, elements }: Pick<Capabilities, 'operator' | 'elements'>,
  { keepsFeatures, ...recording }: Recording,
): RowStorage {
  if (keepsFeatures) return deviceStorageOf(elements, recording);
  return !recording.isSmall && operator('TensorScatter') ? 'int8' : 'float32';
}

/**
 * On a device rows are in half precision; in bytes where weights are quantized, which is done to save memory, or where it
 * has no half precision.
 */
export function deviceStorageOf(
  elements: Capabilities['elements'],
  { isSmall, precision }: Omit<Recording, 'keepsFeatures'>,
): DeviceStorage {
  const halves = elements.includes('float16');
  const asBytes = !isSmall && elements.includes('uint8') && !(halves && isFloat(precision));
  if (asBytes) return 'uint8';
  return halves ? 'float16' : 'float32';
}
