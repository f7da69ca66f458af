import { InputError } from '../../engine/errors.ts';
import type { DeviceCheck } from '../../engine/execution/device-check/check.ts';
import { type Candidate, candidates } from '../../engine/host/node/devices/candidates.ts';
import type { Findings } from '../../engine/host/node/devices/findings.ts';
import { DEVICE_PROVIDERS, type DeviceChoice, type DeviceId, type DeviceInfo } from '../../shared/devices.ts';
import { KnownDevices } from './known.ts';
import { type TryOptions, tryDevice } from './try.ts';

export interface DevicesOptions extends TryOptions {
  /** Tries devices again, even if results are cached. */
  again?: boolean;
  /** The machine's, by default. */
  candidates?: readonly Candidate[];
  /** Called before a device is tried, which takes seconds. */
  onTry?: (name: string) => void;
}

/** A device on which networks run, and how. */
export interface Chosen {
  id: DeviceId;
  findings: Findings;
}

/**
 * The devices of this machine, and what was found out about each. Devices that have not been tried yet are tried now.
 */
export async function listDevices(options: DevicesOptions = {}): Promise<DeviceInfo[]> {
  const infos: DeviceInfo[] = [];
  for (const candidate of options.candidates ?? (await candidates()))
    infos.push(infoOf(candidate, candidate.missing ? undefined : await found(candidate, options)));
  return infos;
}

/**
 * The device for a choice. `auto`: the fastest of the listed devices that compute correctly, including the processor.
 * @throws InputError if the chosen device does not exist or cannot be used
 */
export async function chooseDevice(choice: DeviceChoice, options: DevicesOptions = {}): Promise<Chosen> {
  const all = options.candidates ?? (await candidates());
  if (choice !== 'auto') return named(choice, all, options);
  const processor = all.find(({ id }) => id === 'cpu')!;
  const others = all.filter(
    ({ id, found, software, missing }) => id !== 'cpu' && found && !software && !missing,
  );
  let best = { candidate: processor, check: NOTHING, seconds: Number.POSITIVE_INFINITY };
  // Nothing has to be measured if there is nothing to choose from.
  for (const candidate of others.length > 0 ? [processor, ...others] : []) {
    const check = await found(candidate, options);
    const seconds = check.fault ? Number.POSITIVE_INFINITY : (check.stepSeconds ?? Number.POSITIVE_INFINITY);
    if (seconds < best.seconds) best = { candidate, check, seconds };
  }
  return chosen(best.candidate, best.check);
}

const NOTHING: DeviceCheck = { wrong: [] };

async function named(choice: DeviceId, all: readonly Candidate[], options: DevicesOptions): Promise<Chosen> {
  const candidate = all.find(({ id }) => id === choice)!;
  const check = choice === 'cpu' || candidate.missing ? NOTHING : await found(candidate, options);
  const reason = candidate.missing ?? check.fault;
  if (reason)
    throw new InputError(
      `Networks cannot run on the device ${choice} (${DEVICE_PROVIDERS[choice]}) here: ${reason}. Choose auto or cpu; patchwork devices lists the devices.`,
      { setting: 'device' },
    );
  return chosen(candidate, check);
}

function chosen({ id, name, memoryBytes }: Candidate, { wrong, half }: DeviceCheck): Chosen {
  return {
    id,
    findings: { name, wrong, ...(half && { half }), ...(memoryBytes !== undefined && { memoryBytes }) },
  };
}

/** The cached result of a device, or the result of trying it now. */
async function found(candidate: Candidate, options: DevicesOptions): Promise<DeviceCheck> {
  const { id: device, name, memoryBytes, identity } = candidate;
  const known = new KnownDevices();
  const remembered = options.again ? undefined : await known.get(identity);
  if (remembered) return remembered;
  options.onTry?.(name);
  const check = await tryDevice({ device, name, ...(memoryBytes && { memoryBytes }) }, options);
  await known.set(identity, check, options.onLog);
  return check;
}

function infoOf({ id, name, software, missing }: Candidate, check: DeviceCheck | undefined): DeviceInfo {
  const fault = missing ?? check?.fault;
  const composed = check?.wrong.length
    ? `computed another way, because wrong: ${check.wrong.join(', ')}`
    : null;
  return {
    id,
    name,
    provider: DEVICE_PROVIDERS[id],
    available: fault === undefined,
    checked: fault === undefined && check !== undefined,
    software,
    reason: fault ?? composed,
    stepSeconds: check?.stepSeconds ?? null,
  };
}
