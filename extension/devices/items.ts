import { capitalized } from '../../shared/capitalized.ts';
import { DEVICE_PROVIDERS, type DeviceChoice, type DeviceInfo, describeCheck } from '../../shared/devices.ts';
import { formatLatency } from '../../shared/units.ts';

/** A line of the list of devices. */
export interface DeviceItem {
  choice: DeviceChoice;
  label: string;
  description: string;
  detail?: string;
  /** Networks cannot run there. */
  unusable: boolean;
}

/** The devices of this machine for the user to choose from, automatic choice first. @param used the setting */
export function deviceItems(devices: readonly DeviceInfo[], used: DeviceChoice): DeviceItem[] {
  const mark = (choice: DeviceChoice, words: readonly (string | false | undefined)[]) =>
    [...words, choice === used && 'in use'].filter(Boolean).join(' · ');
  const automatic: DeviceItem = {
    choice: 'auto',
    label: 'Automatic',
    description: mark('auto', []),
    detail: 'The fastest device that computes correctly. GPUs emulated in software are left out.',
    unusable: false,
  };
  return [
    automatic,
    ...devices.map((device) => ({
      choice: device.id,
      label:
        device.id === 'cpu' ? device.name : `${capitalized(device.name)} (${DEVICE_PROVIDERS[device.id]})`,
      description: mark(device.id, [
        device.id === 'cpu' && 'processor',
        device.software && 'software',
        device.stepSeconds !== null && `a test step takes ${formatLatency(device.stepSeconds)}`,
      ]),
      detail: detailOf(device),
      unusable: !device.available,
    })),
  ];
}

/** What was found out about it, in sentences. */
function detailOf(device: DeviceInfo): string {
  const { available, reason } = device;
  if (!available) return `Cannot be used: ${reason}.`;
  return [describeCheck(device), reason].flatMap((text) => (text ? sentence(text) : [])).join(' ');
}

function sentence(text: string): string {
  return `${capitalized(text)}.`;
}
