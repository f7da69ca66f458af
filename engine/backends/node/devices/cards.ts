import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

/** A graphics card, as the system describes it. */
export interface Card {
  name: string;
  /** Name and version of its driver, or what else changes with it. */
  driver: string;
  /** Bytes of its own memory; absent if it shares the machine's or the system does not report it. */
  memoryBytes?: number;
}

/** Milliseconds that the system may take to answer. */
const PATIENCE = 15_000;

/** The graphics cards of this machine that are not made of software; none if the system does not report. */
export async function graphicsCards(): Promise<Card[]> {
  const cards = await systemCards().catch(() => []);
  return cards.filter(({ name }) => !isSoftware(name));
}

function systemCards(): Promise<Card[]> {
  if (process.platform === 'win32')
    return output('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', CONTROLLERS]).then(
      parseControllers,
    );
  if (process.platform === 'darwin')
    return output('/usr/sbin/system_profiler', ['SPDisplaysDataType', '-json']).then(parseDisplays);
  return linuxCards('/');
}

const CONTROLLERS =
  'Get-CimInstance Win32_VideoController | Select-Object Name, DriverVersion | ConvertTo-Json -Compress';

function output(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: PATIENCE, windowsHide: true, maxBuffer: 1 << 20 }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
}

/** What Windows says of its video controllers: an object, or several in a list. */
export function parseControllers(json: string): Card[] {
  const said = JSON.parse(json) as unknown;
  return (Array.isArray(said) ? said : [said]).flatMap((one: unknown) => {
    const { Name, DriverVersion } = (one ?? {}) as { Name?: unknown; DriverVersion?: unknown };
    return typeof Name === 'string' ? [{ name: Name, driver: String(DriverVersion ?? '') }] : [];
  });
}

/** What `system_profiler` of macOS says of the displays. */
export function parseDisplays(json: string): Card[] {
  const { SPDisplaysDataType: displays } = JSON.parse(json) as { SPDisplaysDataType?: unknown };
  if (!Array.isArray(displays)) return [];
  return displays.flatMap((one: unknown) => {
    const said = (one ?? {}) as { sppci_model?: unknown; spdisplays_mtlgpufamilysupport?: unknown };
    const driver = String(said.spdisplays_mtlgpufamilysupport ?? '');
    return typeof said.sppci_model === 'string' ? [{ name: said.sppci_model, driver }] : [];
  });
}

const VENDORS: Readonly<Record<string, string>> = {
  '0x10de': 'NVIDIA',
  '0x1002': 'AMD',
  '0x8086': 'Intel',
  '0x13b5': 'ARM',
  '0x5143': 'Qualcomm',
};

/** Cards by the kernel's files below `root`: those with a driver of the direct rendering manager, and NVIDIA's own. */
export async function linuxCards(root: string): Promise<Card[]> {
  const folder = path.join(root, 'sys/class/drm');
  const names = (await listed(folder)).filter((name) => /^card\d+$/.test(name));
  const cards = await Promise.all(names.map((name) => drmCard(path.join(folder, name, 'device'))));
  const nvidia = await nvidiaCards(path.join(root, 'proc/driver/nvidia'));
  const others = cards.flatMap((card) => (card ? [card] : []));
  return nvidia.length > 0 ? [...nvidia, ...others.filter(({ name }) => !name.startsWith('NVIDIA'))] : others;
}

async function drmCard(device: string): Promise<Card | undefined> {
  const vendor = VENDORS[await line(path.join(device, 'vendor'))];
  if (!vendor) return undefined;
  const model = await line(path.join(device, 'device'));
  const driver = path.basename(await readlink(path.join(device, 'driver')).catch(() => ''));
  const memory = Number(await line(path.join(device, 'mem_info_vram_total')));
  return { name: `${vendor} ${model}`, driver, ...(memory > 0 && { memoryBytes: memory }) };
}

async function nvidiaCards(folder: string): Promise<Card[]> {
  const driver = /\s(\d+\.[\d.]+)\s/.exec(await line(path.join(folder, 'version')))?.[1] ?? '';
  const slots = await listed(path.join(folder, 'gpus'));
  const models = await Promise.all(
    slots.map(async (slot) => {
      const text = await readFile(path.join(folder, 'gpus', slot, 'information'), 'utf8').catch(() => '');
      return /^Model:\s*(.+?)\s*$/m.exec(text)?.[1];
    }),
  );
  return models.flatMap((name) => (name ? [{ name, driver }] : []));
}

function listed(folder: string): Promise<string[]> {
  return readdir(folder).then(
    (names) => names.sort(),
    () => [],
  );
}

async function line(file: string): Promise<string> {
  return (await readFile(file, 'utf8').catch(() => '')).split('\n')[0]!.trim();
}

/** Whether a name is that of a processor which acts as a graphics card. */
export function isSoftware(name: string): boolean {
  return /swiftshader|llvmpipe|lavapipe|lvp_icd|basic render|basic display|software/i.test(name);
}

/** The Vulkan drivers that the environment prescribes on Linux, instead of those that are installed. */
export function prescribedDrivers(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment.VK_DRIVER_FILES || environment.VK_ICD_FILENAMES || undefined;
}
