import path from 'node:path';
import { type Card, ownMemory } from './card.ts';
import { outputOf } from './output.ts';

/**
 * Drivers write their card's memory into the key of their device class. Windows' own `AdapterRAM` has 32 bits and ends at
 * 4 GB.
 */
const MEMORY = 'HardwareInformation.qwMemorySize';
const DRIVERS =
  "'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}\\0*'";
const CARDS = [
  "$ErrorActionPreference = 'SilentlyContinue'",
  '$controllers = @(Get-CimInstance Win32_VideoController | Select-Object Name, DriverVersion)',
  `$drivers = @(Get-ItemProperty ${DRIVERS} | Select-Object DriverDesc, DriverVersion, '${MEMORY}')`,
  '@{ controllers = $controllers; drivers = $drivers } | ConvertTo-Json -Compress -Depth 3',
].join('; ');

export async function windowsCards(): Promise<Card[]> {
  const system = path.join(process.env.SystemRoot ?? 'C:\\Windows', 'System32');
  const powershell = path.join(system, 'WindowsPowerShell', 'v1.0', 'powershell.exe');
  return parseWindows(await outputOf(powershell, ['-NoProfile', '-NonInteractive', '-Command', CARDS]));
}

/** Windows' video controllers, and what their drivers have written. Drivers of cards that were removed are there, too. */
export function parseWindows(json: string): Card[] {
  const { controllers, drivers } = (JSON.parse(json) ?? {}) as { controllers?: unknown; drivers?: unknown };
  const written = records(drivers);
  return records(controllers).flatMap(({ Name: name, DriverVersion: driver = '' }) => {
    if (typeof name !== 'string') return [];
    const own = written.find((one) => one.DriverDesc === name && one.DriverVersion === driver);
    return [{ name, driver: String(driver), ...ownMemory(name, bytesOf(own?.[MEMORY])) }];
  });
}

function records(list: unknown): Record<string, unknown>[] {
  return (Array.isArray(list) ? list : []).filter((one) => typeof one === 'object' && one !== null);
}

/** A registry value: a number, or its eight bytes. */
function bytesOf(value: unknown): number {
  if (typeof value === 'number') return value;
  if (!Array.isArray(value) || value.length !== 8) return 0;
  return Number(Buffer.from(value).readBigUInt64LE());
}
