import type { Candidate } from '../../engine/backends/devices/candidate.ts';
import type { Findings } from '../../engine/backends/devices/findings.ts';
import { InputError } from '../../engine/errors.ts';
import type { DeviceCheck } from '../../engine/execution/device-check/check.ts';
import { fasterForm } from '../../engine/execution/device-check/convolutions.ts';
import { DEVICE_PROVIDERS, type DeviceChoice, type DeviceId, type DeviceInfo } from '../../shared/devices.ts';
import { KnownDevices } from './known.ts';

export interface ChoiceOptions {
  /** Tries devices again, even if results are cached. */
  again?: boolean;
  /** Called before a device is tried, which takes seconds. */
  onTry?: (name: string) => void;
  onLog?: (line: string) => void;
}

/** The devices that there may be, and how one is tried. */
export interface DeviceSource {
  candidates: readonly Candidate[];
  tryDevice(candidate: Candidate): Promise<DeviceCheck>;
  /** What lists them, for sentences. */
  list: string;
}

/** A device on which networks run, and how. */
export interface Chosen {
  id: DeviceId;
  findings: Findings;
}

/** The devices of this machine, and what was found out about each. Devices that have not been tried yet are tried now. */
export async function listFrom(source: DeviceSource, options: ChoiceOptions = {}): Promise<DeviceInfo[]> {
  const infos: DeviceInfo[] = [];
  for (const candidate of source.candidates)
    infos.push(infoOf(candidate, candidate.missing ? undefined : await checkOf(candidate, source, options)));
  return infos;
}

/**
 * The device for a choice. `auto`: the fastest of those that the system lists and that compute right, the processor among
 * them.
 * @throws InputError if the user names one that is not there or cannot be used
 */
export async function chooseFrom(
  source: DeviceSource,
  choice: DeviceChoice,
  options: ChoiceOptions = {},
): Promise<Chosen> {
  const all = source.candidates;
  if (choice !== 'auto') return named(choice, source, options);
  const processor = all.find(({ id }) => id === 'cpu')!;
  const others = all.filter(
    ({ id, found, software, missing }) => id !== 'cpu' && found && !software && !missing,
  );
  let best = { candidate: processor, check: NOTHING, seconds: Number.POSITIVE_INFINITY };
  // Nothing has to be measured if there is nothing to choose from.
  for (const candidate of others.length > 0 ? [processor, ...others] : []) {
    const check = await checkOf(candidate, source, options);
    const seconds = check.fault ? Number.POSITIVE_INFINITY : (check.stepSeconds ?? Number.POSITIVE_INFINITY);
    if (seconds < best.seconds) best = { candidate, check, seconds };
  }
  return chosen(best.candidate, best.check);
}

const NOTHING: DeviceCheck = { wrong: [] };

async function named(choice: DeviceId, source: DeviceSource, options: ChoiceOptions): Promise<Chosen> {
  const candidate = source.candidates.find(({ id }) => id === choice);
  const refused = (reason: string) =>
    new InputError(
      `Networks cannot run on the device ${choice} (${DEVICE_PROVIDERS[choice]}) here: ${reason}. Choose auto or cpu; ${source.list} lists the devices.`,
      { setting: 'device' },
    );
  if (!candidate) throw refused('a browser has no such interface');
  if (candidate.missing) throw refused(candidate.missing);
  const check = choice === 'cpu' ? NOTHING : await checkOf(candidate, source, options);
  if (check.fault) throw refused(faultOf(candidate, check.fault));
  return chosen(candidate, check);
}

function chosen(
  { id, name, software, memoryBytes }: Candidate,
  { wrong, half, storages, convolutions, steps }: DeviceCheck,
): Chosen {
  return {
    id,
    findings: {
      name,
      wrong,
      ...(software && { software }),
      ...(half && { half }),
      ...(storages && { storages }),
      ...(convolutions && { convolutions }),
      ...(steps && { steps }),
      ...(memoryBytes !== undefined && { memoryBytes }),
    },
  };
}

/** Why a device cannot be used. Without a card the runtime's own message explains nothing. */
function faultOf({ found, software }: Pick<Candidate, 'found' | 'software'>, fault: string): string {
  return found || software ? fault : 'it finds no graphics card on this machine';
}

/** The cached result of a device, or the result of trying it now. */
async function checkOf(
  candidate: Candidate,
  { tryDevice }: DeviceSource,
  options: ChoiceOptions,
): Promise<DeviceCheck> {
  const { name, identity } = candidate;
  const known = new KnownDevices();
  const remembered = options.again ? undefined : await known.get(identity);
  if (remembered) return remembered;
  options.onTry?.(name);
  const check = await tryDevice(candidate);
  await known.set(identity, check, options.onLog);
  return check;
}

function infoOf(
  { id, name, software, found, missing }: Candidate,
  check: DeviceCheck | undefined,
): DeviceInfo {
  const tried = check?.fault && faultOf({ found, software }, check.fault);
  const fault = missing ?? tried;
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
    steps: check?.steps ?? null,
    convolutions: check?.convolutions?.map((one) => ({ ...one, form: fasterForm(one) })) ?? null,
  };
}
