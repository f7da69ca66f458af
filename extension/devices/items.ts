import { capitalized } from '../../shared/capitalized.ts';
import { DEVICE_PROVIDERS, type DeviceChoice, type DeviceInfo } from '../../shared/devices.ts';
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
    ...devices.map(({ id, name, available, software, reason, stepSeconds }) => ({
      choice: id,
      label: id === 'cpu' ? name : `${capitalized(name)} (${DEVICE_PROVIDERS[id]})`,
      description: mark(id, [
        id === 'cpu' && 'processor',
        software && 'software',
        stepSeconds !== null && `a test step takes ${formatLatency(stepSeconds)}`,
      ]),
      ...(reason && { detail: available ? sentence(reason) : `Cannot be used: ${reason}.` }),
      unusable: !available,
    })),
  ];
}

function sentence(text: string): string {
  return `${capitalized(text)}.`;
}
