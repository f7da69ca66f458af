import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { type Card, ownMemory } from './card.ts';
import { nvidiaMemory } from './nvidia-smi.ts';

const VENDORS: Readonly<Record<string, string>> = {
  '0x10de': 'NVIDIA',
  '0x1002': 'AMD',
  '0x8086': 'Intel',
  '0x13b5': 'ARM',
  '0x5143': 'Qualcomm',
};

/**
 * Cards by the kernel's files below `root`: those with a driver of the direct rendering manager, and NVIDIA's own, whose
 * files do not tell their memory.
 */
export async function linuxCards(root: string, memoryOf = nvidiaMemory): Promise<Card[]> {
  const folder = path.join(root, 'sys/class/drm');
  const names = (await listed(folder)).filter((name) => /^card\d+$/.test(name));
  const cards = await Promise.all(names.map((name) => drmCard(path.join(folder, name, 'device'))));
  const nvidia = await nvidiaCards(path.join(root, 'proc/driver/nvidia'), memoryOf);
  const others = cards.flatMap((card) => (card ? [card] : []));
  return nvidia.length > 0 ? [...nvidia, ...others.filter(({ name }) => !name.startsWith('NVIDIA'))] : others;
}

async function drmCard(device: string): Promise<Card | undefined> {
  const vendor = VENDORS[await line(path.join(device, 'vendor'))];
  if (!vendor) return undefined;
  const model = await line(path.join(device, 'device'));
  const driver = path.basename(await readlink(path.join(device, 'driver')).catch(() => ''));
  const memory = Number(await line(path.join(device, 'mem_info_vram_total')));
  const name = `${vendor} ${model}`;
  return { name, driver, ...ownMemory(name, memory) };
}

async function nvidiaCards(folder: string, memoryOf: typeof nvidiaMemory): Promise<Card[]> {
  const slots = await listed(path.join(folder, 'gpus'));
  if (slots.length === 0) return [];
  const driver = /\s(\d+\.[\d.]+)\s/.exec(await line(path.join(folder, 'version')))?.[1] ?? '';
  const memory = await memoryOf();
  const cards = await Promise.all(
    slots.map(async (slot) => {
      const text = await readFile(path.join(folder, 'gpus', slot, 'information'), 'utf8').catch(() => '');
      const name = /^Model:\s*(.+?)\s*$/m.exec(text)?.[1];
      return name && { name, driver, ...ownMemory(name, memory.get(slot) ?? 0) };
    }),
  );
  return cards.flatMap((card) => card || []);
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
